import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type PrintedFrame, printedFrames } from '../support/document.ts'
import { row, served, withServer } from '../host/conformance/rows.ts'
import { type HostName, HOSTS } from '../support/spawn_server.ts'
import { WireClient } from '../support/wire_client.ts'

interface Place {
  readonly session: string
  readonly node: string
  readonly epoch: string
}

const PRINTED_TIME = 1_790_000_000_000

/** What the document prints as an example, replaced by what this server really has. */
function inPlace(value: unknown, place: Place): unknown {
  if (value === '4b1f…') return place.session
  if (value === 'n1') return place.node
  if (value === 'e1') return place.epoch
  if (Array.isArray(value)) return value.map((item) => inPlace(item, place))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, inPlace(item, place)]))
}

/** Times are the server's own: checked for their kind, then read as the document's. */
function withPrintedTimes(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withPrintedTimes)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => {
      // In a cursor `since` is an object.
      if (key !== 'ts' && (key !== 'since' || typeof item !== 'number')) return [key, withPrintedTimes(item)]
      assert.ok(Number.isSafeInteger(item) && Math.abs(Date.now() - (item as number)) < 60_000, `${key} is ${item}`)
      return [key, PRINTED_TIME]
    }),
  )
}

function describeFrame({ envelope: { type, ref } }: PrintedFrame): string {
  return ref === undefined ? String(type) : `${type} with ref ${ref}`
}

const printed = printedFrames()
const isGap = ({ envelope }: PrintedFrame) => envelope['type'] === 'room.gap'

describe('the wire document', () => {
  test('prints frames of both sides, every client type once at least', () => {
    const sent = new Set(printed.filter(({ side }) => side === 'client').map(({ envelope }) => envelope['type']))
    const expected = ['room.join', 'room.leave', 'room.history', 'session.ping']
    for (const request of ['set', 'clear', 'watch', 'unwatch']) expected.push(`presence.${request}`)
    for (const type of [...expected, 'chat.message', 'chat.typing', 'chat.stats']) assert.ok(sent.has(type), type)
    assert.equal(printed.filter(isGap).length, 1)
    assert.ok(printed.filter(({ side }) => side === 'server').length >= 16)
  })
})

const gap = printed.find(isGap)!
const { cursor } = gap.envelope['payload'] as { cursor: number }

function conversation(host: HostName): void {
  row(host, 'document', (test) => {
    for (const [protocols, name] of [[['rotunda.v1.json'], 'rotunda.v1.json'], [[], 'no subprotocol']] as const) {
      test(`says what a server answers, frame by frame, over ${name}`, () =>
        withServer({ host, events: true }, async (server) => {
          const { port } = server
          const main = await WireClient.open(port, [...protocols])
          const witness = await WireClient.open(port, [...protocols])
          witness.send({ type: 'room.join', room: 'africa', ref: 'w' })
          await witness.next({ type: 'room.joined', ref: 'w' })
          const welcome = await main.next({ type: 'session.welcome' })
          main.unread.push(welcome)
          const place = welcome.payload as Place
          for (const grant of ['* send', 'private-team read']) main.send(`!grant ${grant}`)
          for (const frame of printed) {
            // The gap needs a room whose messages were removed: below.
            if (isGap(frame)) continue
            const envelope = inPlace(frame.envelope, place) as Record<string, unknown>
            if (frame.side === 'client') {
              main.send(envelope)
              continue
            }
            const { type, ref, to } = envelope
            // What the server does of itself, it does when it is told to.
            if (envelope['kind'] === 'request') main.send('!ask 20000')
            if (type === 'room.left' && ref === undefined) main.send('!revoke private-team')
            const seenBy = envelope['seq'] === undefined ? main : witness
            const fields = ref === undefined ? { type, seq: envelope['seq'], to } : { ref }
            const answer = await seenBy.next(fields)
            assert.deepEqual(withPrintedTimes(answer), envelope, describeFrame(frame))
          }
          for (const frame of printed) {
            const { ref } = frame.envelope
            const isAnswered = printed.some(({ side, envelope }) => side === 'server' && envelope['ref'] === ref)
            if (frame.side !== 'client' || ref === undefined || isAnswered) continue
            const answer = await main.next({ ref })
            assert.notEqual(answer.type, 'error', `${describeFrame(frame)}: ${JSON.stringify(answer)}`)
          }
          await Promise.all([main.close(), witness.close()])
        }))
    }
  })
}

function gapFilled(host: HostName): void {
  row(host, 'document', (test) => {
    const server = served({ host, seed: { room: 'africa', messages: cursor + 3, trimmed: cursor } })

    test('says what a gap is, and what follows it', async () => {
      const { port } = server()
      const client = await WireClient.open(port)
      const place = (await client.next({ type: 'session.welcome' })).payload as Place
      const join = printed.find(({ envelope }) => JSON.stringify(envelope).includes('"since"'))!
      client.send(inPlace(join.envelope, place))
      await client.next({ type: 'room.joined', ref: join.envelope['ref'] })
      assert.deepEqual(await client.next({ type: 'room.gap' }), inPlace(gap.envelope, place))
      for (const seq of [cursor + 1, cursor + 2, cursor + 3]) {
        assert.equal((await client.next({ type: 'chat.message' })).seq, seq)
      }
      await client.close()
    })
  })
}

function historyOverHttp(host: HostName): void {
  row(host, 'document', (test) => {
    const server = served({ host, seed: { room: 'africa', messages: 5, trimmed: 2 } })

    test('history over HTTP is the payload of the reply over the socket', async () => {
      const client = await WireClient.open(server().port)
      client.send({
        type: 'room.history',
        room: 'africa',
        ref: 'h',
        payload: { before: '00000000000000000005', limit: 50 },
      })
      const { payload } = await client.next({ ref: 'h' })
      const url = `${server().url}/rooms/africa/history?limit=50&before=00000000000000000005`
      assert.deepEqual(await (await fetch(url)).json(), payload)
      const { messages, head, trimmed } = payload as { messages: { seq: number }[]; head: number; trimmed: number }
      assert.deepEqual(messages.map(({ seq }) => seq), [4, 3])
      assert.deepEqual({ head, trimmed }, { head: 5, trimmed: 2 })
      await client.close()
    })
  })
}

for (const host of HOSTS) {
  conversation(host)
  gapFilled(host)
  historyOverHttp(host)
}
