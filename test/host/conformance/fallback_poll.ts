import assert from 'node:assert/strict'
import type { Envelope } from '../../../src/mod.ts'
import { freePort } from '../../support/free_port.ts'
import { type Ask, askServer, cursorOf, errorCode, EventReader, Poller, sending } from '../../support/http_client.ts'
import { RawSocket } from '../../support/raw_socket.ts'
import { type HostName, spawnServer } from '../../support/spawn_server.ts'
import { tempDir } from '../../support/temp_dir.ts'
import { range } from '../../support/test_hub.ts'
import { WireClient } from '../../support/wire_client.ts'
import { message, publish } from './fallback_sse.ts'
import { onDeno, row, served, withServer } from './rows.ts'

/** One poll of a room without a session. */
async function poll(ask: Ask, query: string): Promise<{ envelopes: Envelope[]; cursor: string }> {
  const response = await ask(`/poll?${query}`)
  if (response.status !== 200) throw new Error(await errorCode(response))
  return { envelopes: await response.json() as Envelope[], cursor: cursorOf(response) }
}

const seqs = (envelopes: readonly Envelope[]) => envelopes.filter(({ seq }) => seq !== undefined).map(({ seq }) => seq)

async function connections(url: string): Promise<number> {
  return (await (await fetch(`${url}/health`)).json() as { connections: number }).connections
}

/** Polls of rooms and of mailboxes, and what is sent over HTTP. */
export function longPolls(host: HostName): void {
  row(host, 'poll', (test) => {
    const server = served({ host, events: true, node: 'polls' })

    test('a poll of a room waits, and is answered when something is committed', async () => {
      const ask = askServer(server().url)
      const { cursor } = await poll(ask, 'room=waiting')
      const polled = poll(ask, `room=waiting&cursor=${cursor}&wait=30`)
      while (await connections(server().url) === 0) await new Promise((resolve) => setTimeout(resolve, 5))
      await publish(server().url, 'waiting', 1)
      assert.deepEqual(seqs((await polled).envelopes), [1])
      assert.deepEqual((await poll(ask, `room=waiting&cursor=${(await polled).cursor}`)).envelopes, [])
    })

    test(
      'polls and streams outlast the runtime’s own idea of how long a request may take',
      () =>
        withServer({ host }, async (own) => {
          const ask = askServer(own.url)
          const { cursor } = await poll(ask, 'room=patient')
          const [room, mailbox] = [
            poll(ask, `room=patient&cursor=${cursor}&wait=30`),
            await Poller.open(ask, '?room=patient'),
          ]
          await mailbox.next({ type: 'room.joined' })
          const session = mailbox.next({ type: 'chat.message' })
          const stream = await EventReader.open(ask, '?room=patient')
          // More than the ten seconds of Bun, less than the fifteen after which the stream would be sent a comment.
          await new Promise((resolve) => setTimeout(resolve, 12_000))
          await publish(own.url, 'patient', 1)
          assert.deepEqual(seqs((await room).envelopes), [1])
          assert.equal((await session).seq, 1)
          assert.equal((await stream.next({ type: 'chat.message' })).seq, 1)
          await stream.close()
        }),
      { waits: true },
    )

    test('a mailbox hears what a socket hears, says what a socket says, and is closed when it says so', async () => {
      const ask = askServer(server().url)
      const poller = await Poller.open(ask, '?room=both')
      const { session } = poller.welcome
      await poller.next({ type: 'room.joined' })
      const { remoteAddress } = await server().event({ type: 'open', session })
      assert.match(String(remoteAddress), /127\.0\.0\.1$/)
      const socket = await WireClient.open(server().port)
      socket.send({ type: 'room.join', room: 'both', ref: 'j' })
      await socket.next({ type: 'room.joined' })
      assert.equal(
        (await poller.send([message('both', 1), { type: 'chat.stats', room: 'both', ref: 's', payload: {} }])).status,
        202,
      )
      socket.send({ type: 'chat.typing', room: 'both', payload: { user: 'w' } })
      assert.equal((await socket.next({ type: 'chat.message' })).from, session)
      assert.deepEqual((await poller.next({ kind: 'reply', ref: 's' })).payload, { members: 2 })
      await poller.next({ type: 'ack', ref: '1' })
      await poller.next({ type: 'chat.message', seq: 1 })
      await poller.next({ type: 'chat.typing' })
      assert.equal((await ask(`/poll?${poller.query}`, { method: 'DELETE' })).status, 204)
      assert.equal((await server().event({ type: 'close', session }))['code'], 1000)
      await socket.close()
    })

    test('what is sent without a session is acknowledged in the answer, again with the same key the same', async () => {
      const ask = askServer(server().url)
      const answers = []
      for (let i = 0; i < 2; i++) {
        const response = await ask('/send', sending(message('alone', 1)))
        assert.equal(response.status, 200)
        answers.push(await response.json())
      }
      assert.deepEqual(answers[0], answers[1])
      assert.equal(((answers[0] as Envelope[])[0]!.payload as { seq: number }).seq, 1)
    })

    test('over restarts between polls, nothing is lost, doubled or reordered', async () => {
      const dir = await tempDir()
      const port = await freePort()
      const options = { host, port, database: `file:${dir.path}/chat.db` }
      let { cursor } = { cursor: '' }
      const got: (number | undefined)[] = []
      for (let round = 0; round < 2; round++) {
        const own = await spawnServer(options)
        const ask = askServer(own.url)
        if (round === 0) cursor = (await poll(ask, 'room=africa')).cursor
        for (const n of range(1, 5)) await publish(own.url, 'africa', round * 5 + n)
        const answer = await poll(ask, `room=africa&cursor=${cursor}&wait=5&max=4`)
        got.push(...seqs(answer.envelopes))
        cursor = answer.cursor
        await own.stop('SIGKILL')
      }
      const last = await spawnServer(options)
      for (let came = 1; came > 0;) {
        const answer = await poll(askServer(last.url), `room=africa&cursor=${cursor}&max=2`)
        came = answer.envelopes.length
        got.push(...seqs(answer.envelopes))
        cursor = answer.cursor
      }
      assert.deepEqual(got, range(1, 10))
      await last.stop()
      await dir.remove()
    })

    test('two nodes on one database, each poll on the other: nothing is lost, doubled or reordered', async () => {
      const dir = await tempDir()
      const database = `file:${dir.path}/chat.db`
      const nodes = [await spawnServer({ host, database }), await spawnServer({ host, database })]
      const publishing = (async () => {
        for (const n of range(1, 30)) await publish(nodes[n % 2]!.url, 'africa', n)
      })()
      let cursor = `${(await poll(askServer(nodes[0]!.url), 'room=africa&last=0')).cursor.split(':')[0]}:0`
      const got: (number | undefined)[] = []
      for (let i = 0; got.length < 30; i++) {
        const answer = await poll(askServer(nodes[i % 2]!.url), `room=africa&cursor=${cursor}&wait=0.2&max=7`)
        got.push(...seqs(answer.envelopes))
        cursor = answer.cursor
      }
      await publishing
      assert.deepEqual(got, range(1, 30))
      for (const node of nodes) assert.equal(node.stderr(), '')
      await Promise.all(nodes.map((node) => node.stop()))
      await dir.remove()
    })

    test('polls that are abandoned leave nothing behind', () =>
      withServer({ host }, async (own) => {
        const { url, port } = own
        const wait = onDeno(host) ? 2 : 60
        const sockets = await Promise.all(range(1, 100).map(() => RawSocket.open(port)))
        const { cursor } = await poll(askServer(url), 'room=africa')
        for (const socket of sockets) {
          socket.write(`GET /poll?room=africa&cursor=${cursor}&wait=${wait} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
        }
        while (await connections(url) < 100) await new Promise((resolve) => setTimeout(resolve, 10))
        for (const socket of sockets) socket.destroy()
        while (await connections(url) > 0) await new Promise((resolve) => setTimeout(resolve, 10))
        assert.equal(own.stderr(), '')
      }), { substitute: onDeno(host) && 'unseen-leaving', waits: onDeno(host) })

    test(
      'hundreds of sessions that are never polled again are ended and forgotten',
      () =>
        withServer({ host, events: true, fallback: { ttl: 2 } }, async (own) => {
          const ask = askServer(own.url)
          const pollers = await Promise.all(range(1, 200).map(() => Poller.open(ask, '?room=africa')))
          await publish(own.url, 'africa', 1)
          while (await own.sessions() > 0) await new Promise((resolve) => setTimeout(resolve, 50))
          const told = await own.events()
          const idsOf = (type: string) => told.filter((event) => event.type === type).map(({ session }) => session)
          const opened = pollers.map(({ welcome }) => welcome.session)
          for (const type of ['open', 'close']) {
            const ids = new Set(idsOf(type))
            assert.ok(opened.every((session) => ids.has(session)))
          }
          assert.equal(await errorCode(await ask(`/poll?${pollers[0]!.query}`)), '404 not_found')
          assert.equal(own.stderr(), '')
        }),
      { waits: true },
    )

    test('bodies too big, malformed, half sent or of the wrong type are refused by name', async () => {
      const { url, port } = server()
      const ask = askServer(url)
      const big = JSON.stringify(message('africa', 1, 'x'.repeat(70_000)))
      assert.equal(await errorCode(await ask('/send', sending(big))), '413 message_too_big')
      assert.equal(await errorCode(await ask('/send', sending('{"type":'))), '400 invalid_json')
      assert.equal(await errorCode(await ask('/send', sending('[]'))), '400 invalid_frame')
      assert.equal(await errorCode(await ask('/send', { method: 'POST', body: '{}' })), '400 invalid_frame')
      assert.equal(await errorCode(await ask('/send')), '405 method_not_allowed')
      assert.equal(await errorCode(await ask('/sse', { method: 'POST' })), '405 method_not_allowed')
      assert.equal(await errorCode(await ask('/poll?room=africa&wait=61')), '400 invalid_limit')
      assert.equal(await errorCode(await ask('/poll?session=forged')), '404 not_found')
      const head = 'POST /send HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n'
      const chunked = await RawSocket.open(port)
      chunked.write(`${head}Transfer-Encoding: chunked\r\n\r\n`)
      for (let i = 0; i < 20; i++) chunked.write(`1000\r\n${' '.repeat(4_096)}\r\n`)
      assert.equal((await chunked.response()).status, 413)
      chunked.destroy()
      const half = await RawSocket.open(port)
      half.write(`${head}Content-Length: 1000\r\n\r\n{"type":`)
      half.destroy()
      assert.equal((await ask('/poll?room=africa')).status, 200)
    })

    test('after all of which the process lives and has logged nothing', () => {
      assert.ok(server().isAlive())
      assert.equal(server().stderr(), '')
    })
  })
}
