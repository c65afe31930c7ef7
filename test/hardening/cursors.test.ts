import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Envelope } from '../../src/protocol/mod.ts'
import { askServer, errorCode, EventReader } from '../support/http_client.ts'
import type { SpawnedServer } from '../support/spawn_server.ts'
import { WireClient } from '../support/wire_client.ts'
import { attack, RUNTIMES } from './attacked.ts'

/** The room `large` has these messages, of which the first ten were removed. */
const MESSAGES = 100
/** Larger than every number of a message, and still a whole one. */
const AHEAD = Number.MAX_SAFE_INTEGER
const LONG = 'e'.repeat(9_000)

const NO_SEQS = [-1, 0.5, 2 ** 53, 1e308, '1', '0x1', ' 1', null, true, [], {}, [1]]
const NO_CURSORS = [null, 7, 'e1:1', [], {}, { seq: 1 }, { epoch: 7, seq: 1 }, { epoch: ['e'], seq: 1 }]
/** What is no cursor of one room in a URL. */
const NO_TEXTS = ['x', ':', 'e:-1', 'e:1.5', 'e:1e3', 'e:0x1', 'e:1,2', 'e:1:2', 'e: 1', 'e:٣', '%ff:1', `${LONG}:1`]
  .concat(['9'.repeat(16), '9'.repeat(5_000)].map((seq) => `e:${seq}`))

const codeOf = ({ payload }: Envelope) => (payload as { code?: string }).code

/** What joining with a payload is answered with, and the gap that it is told of. */
async function join(client: WireClient, room: string, payload: unknown, hasGap = false): Promise<Envelope[]> {
  client.send({ type: 'room.join', room, ref: 'join', payload })
  const answers = [await client.next({ ref: 'join' })]
  if (hasGap) answers.push(await client.next({ type: 'room.gap', room }))
  client.send({ type: 'room.leave', room, ref: 'leave' })
  await client.next({ ref: 'leave' })
  client.unread.length = 0
  return answers
}

async function overWebSocket(client: WireClient, epoch: string): Promise<void> {
  const noCursors = [...NO_CURSORS, ...NO_SEQS.map((seq) => ({ epoch, seq }))]
  for (const since of noCursors) {
    const [error] = await join(client, 'large', { since })
    assert.equal(codeOf(error!), 'invalid_cursor', JSON.stringify(since))
  }
  // Of a longer room, or made up: from now on, and told so.
  for (const seq of [MESSAGES + 1, 1_000_000, AHEAD]) {
    const [joined, gap] = await join(client, 'large', { since: { epoch, seq } }, true)
    assert.deepEqual([(joined!.payload as { cursor: number }).cursor, codeOf(gap!)], [MESSAGES, 'cursor_ahead'])
  }
  // Of another log, whatever that is called: its numbers mean nothing here.
  for (const other of ['', 'e2', LONG, '__proto__', `${epoch} `, '\u0000', "'; DROP TABLE ws_messages; --"]) {
    const answers = await join(client, 'large', { since: { epoch: other, seq: AHEAD } }, true)
    assert.equal(codeOf(answers[1]!), 'epoch_changed', other.slice(0, 20))
    assert.ok(JSON.stringify(answers).length < 1_000, 'what was said is not said back')
  }
  // Of a room that may be read, in one that may not.
  const [refused] = await join(client, 'private-large', { since: { epoch, seq: 0 } })
  assert.equal(codeOf(refused!), 'forbidden')
}

async function inUrls({ url }: SpawnedServer, epoch: string): Promise<void> {
  const ask = askServer(url)
  const isRefused = async (path: string, headers: Record<string, string> = {}) => {
    assert.equal(await errorCode(await ask(path, { headers })), '400 invalid_cursor', path.slice(0, 100))
  }
  for (const text of NO_TEXTS) {
    const cursor = encodeURIComponent(text)
    for (const path of ['poll', 'sse']) await isRefused(`/${path}?room=large&cursor=${cursor}`)
    if (/^[!-~]*$/.test(text)) await isRefused('/sse?room=large', { 'last-event-id': text })
  }
  for (const [cursor, code] of [[`${epoch}:${AHEAD}`, 'cursor_ahead'], ['e2:1', 'epoch_changed']] as const) {
    const [gap] = await (await ask(`/poll?room=large&cursor=${cursor}`)).json() as Envelope[]
    assert.equal(codeOf(gap!), code)
    const stream = await EventReader.open(ask, '?room=large', { 'last-event-id': cursor })
    assert.equal(codeOf(await stream.next({ type: 'room.gap' })), code)
    await stream.close()
  }
  const forbidden = await ask(`/poll?room=large&room=private-large&cursor=${epoch}:0,0`)
  assert.equal(await errorCode(forbidden), '403 forbidden', 'nothing of the room that may be read, either')
}

async function inHistory({ url }: SpawnedServer): Promise<void> {
  const page = (query: string) => fetch(`${url}/rooms/large/history?limit=2&${query}`)
  for (const before of ['1', '9'.repeat(21), '-0000000000000000001', '0x000000000000000001', '%00', LONG]) {
    assert.equal(await errorCode(await page(`before=${before}`)), '400 invalid_cursor', before)
  }
  for (const after of ['-1', '1.5', '9'.repeat(17), 'x', LONG]) {
    assert.equal(await errorCode(await page(`after=${after}`)), '400 invalid_cursor', after)
  }
  const seqs = async (query: string) => {
    return (await (await page(query)).json() as { messages: Envelope[] }).messages.map(({ seq }) => seq)
  }
  assert.deepEqual(await seqs(`after=${AHEAD}`), [])
  assert.deepEqual(await seqs('after=0'), [11, 12])
  assert.deepEqual(await seqs(`before=${'9'.repeat(20)}`), [100, 99])
  assert.deepEqual(await seqs(`before=${'0'.repeat(20)}`), [])
}

for (const host of RUNTIMES) {
  test(`${host}: cursors that are forged, huge, of another room or of another log give nothing that is not given anyway`, async () => {
    const seed = { room: 'large', messages: MESSAGES, trimmed: 10 }
    await attack({ host, seed }, { memory: 100 }, async ({ server }) => {
      const client = await WireClient.open(server.port)
      const { epoch } = (await client.next({ type: 'session.welcome' })).payload as { epoch: string }
      await overWebSocket(client, epoch)
      await inUrls(server, epoch)
      await inHistory(server)
      assert.equal(server.stderr(), '', 'bad input is no reason to log')
      await client.close()
    })
  })
}
