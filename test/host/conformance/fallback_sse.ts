import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { connect } from 'node:net'
import { EventSource } from 'eventsource'
import type { Envelope } from '../../../src/mod.ts'
import { freePort } from '../../support/free_port.ts'
import { askServer, EventReader, sending } from '../../support/http_client.ts'
import { type HostName, spawnServer } from '../../support/spawn_server.ts'
import { tempDir } from '../../support/temp_dir.ts'
import { range } from '../../support/test_hub.ts'
import { WireClient } from '../../support/wire_client.ts'
import { row, withServer } from './rows.ts'

const KIBIBYTE = 1024

/** What a client says to publish a message, durable once it is acknowledged. */
export function message(room: string, n: number, text = ''): Record<string, unknown> {
  return { type: 'chat.message', room, ref: `${n}`, key: `key ${n}`, payload: { user: `${n}`, text: text || `${n}` } }
}

/** Publishes without a session, and again until it is acknowledged. */
export async function publish(url: string, room: string, n: number): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const response = await askServer(url)('/send', sending(message(room, n))).catch(() => undefined)
    const [answer] = response?.status === 200 ? await response.json() as Envelope[] : []
    if (answer?.type === 'ack') return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`Message ${n} was never acknowledged.`)
}

/** Sessions over server-sent events, with foreign clients where there are some. */
export function eventStreams(host: HostName): void {
  row(host, 'sse', (test) => {
    test('curl -N sees the welcome, the room, messages as they come, and comments in between', () =>
      withServer({ host, fallback: { heartbeat: 0.2 } }, async (server) => {
        const curl = spawn('curl', ['-sN', `${server.url}/sse?room=africa`], { stdio: ['ignore', 'pipe', 'ignore'] })
        let text = ''
        let look = () => {}
        curl.stdout.on('data', (chunk) => {
          text += chunk
          look()
        })
        const seen = (pattern: RegExp) => {
          return new Promise<void>((resolve) => {
            look = () => void (pattern.test(text) && resolve())
            look()
          })
        }
        await seen(/^retry: \d+\n\ndata: \{"type":"session\.welcome".*"credential":"[^"]{69}"\}\}\n\n/)
        await seen(/"room\.joined","room":"africa".*\nid: [\w-]+:0\n\n/)
        await publish(server.url, 'africa', 1)
        await seen(/"chat\.message".*"seq":1,.*\nid: [\w-]+:1\n\n/)
        await seen(/\n:\n\n/)
        curl.kill()
      }))

    test(
      'an EventSource that comes back by itself misses nothing and sees nothing twice, over kill -9 of the server',
      async () => {
        const dir = await tempDir()
        const port = await freePort()
        const options = { host, port, database: `file:${dir.path}/chat.db` }
        let server = await spawnServer(options)
        const { url } = server
        const source = new EventSource(`${url}/sse?room=africa&room=asia&last=0`)
        const heard: Record<string, number[]> = { africa: [], asia: [] }
        let joined = 0
        const waiters = new Set<() => void>()
        source.onmessage = ({ data }) => {
          const { type, room, seq } = JSON.parse(data) as Envelope
          if (type === 'room.joined') joined += 1
          if (seq !== undefined) heard[room!]!.push(seq)
          for (const look of waiters) look()
        }
        const until = (test: () => boolean) => {
          return new Promise<void>((resolve) => {
            const look = () => test() && (waiters.delete(look), resolve())
            waiters.add(look)
            look()
          })
        }
        await until(() => joined === 2)
        for (let round = 0; round < 2; round++) {
          for (const n of range(1, 5)) await publish(url, 'africa', round * 10 + n)
          await publish(url, 'asia', round)
          await until(() => heard['africa']!.length >= round * 10 + 5 && heard['asia']!.length >= round + 1)
          await server.stop('SIGKILL')
          server = await spawnServer(options)
          // Mostly while it is still away.
          for (const n of range(6, 10)) await publish(url, 'africa', round * 10 + n)
          await until(() => heard['africa']!.length >= round * 10 + 10)
        }
        source.close()
        assert.deepEqual(heard, { africa: range(1, 20), asia: [1, 2] })
        await server.stop()
        await dir.remove()
      },
      { waits: true },
    )

    test('is a session: told of with its address, closed with 1006 when the client goes', () =>
      withServer({ host, events: true }, async (server) => {
        const stream = await EventReader.open(askServer(server.url))
        const { session } = await stream.welcome()
        const { remoteAddress, remotePort, state } = await server.event({ type: 'open', session })
        assert.match(String(remoteAddress), /^(?:::ffff:)?127\.0\.0\.1$/)
        assert.ok(Number(remotePort) > 0)
        assert.equal(state, 'connecting')
        await stream.close()
        const { code } = await server.event({ type: 'close', session })
        assert.equal(code, 1006)
        assert.equal(await server.sessions(), 0)
        assert.equal(server.stderr(), '')
      }))

    test('speaks with POST, hears with sockets: one room, one order', () =>
      withServer({ host }, async (server) => {
        const ask = askServer(server.url)
        const stream = await EventReader.open(ask, '?room=africa')
        const { credential, session } = await stream.welcome()
        const socket = await WireClient.open(server.port)
        socket.send({ type: 'room.join', room: 'africa', ref: 'j' })
        await socket.next({ type: 'room.joined' })
        await stream.next({ type: 'room.joined' })
        for (const n of range(1, 10)) {
          if (n % 2 === 0) socket.send(message('africa', n))
          else {
            const response = await ask('/send', sending(message('africa', n), { 'rotunda-session': credential }))
            assert.deepEqual([response.status, await response.json()], [202, { status: 'queued', session_id: session }])
          }
        }
        await ask(
          `/send?session=${credential}`,
          sending({ type: 'chat.typing', room: 'africa', payload: { user: 's' } }),
        )
        assert.equal((await socket.next({ type: 'chat.typing' })).from, session)
        await stream.next({ type: 'chat.typing' })
        await stream.until(() => stream.seqs('africa').length === 10)
        const order = stream.envelopes.filter(({ type }) => type === 'chat.message')
        for (const { seq, payload } of order) assert.deepEqual((await socket.next({ seq: seq! })).payload, payload)
        await stream.close()
        await socket.close()
      }))

    test('leaves a room that it may no longer be in, and hears nothing more of it', () =>
      withServer({ host }, async (server) => {
        const stream = await EventReader.open(askServer(server.url), '?room=fickle-1&room=africa')
        await stream.next({ type: 'room.joined', room: 'africa' })
        await fetch(`${server.url}/forbid?room=fickle-1`)
        const { payload } = await stream.next({ type: 'room.left', room: 'fickle-1' })
        assert.equal((payload as { code: string }).code, 'forbidden')
        const again = await EventReader.open(askServer(server.url), '?room=fickle-1', {
          'last-event-id': stream.lastEventId!.replace(/:.*/, ':0'),
        })
        const error = await again.next({ type: 'error', room: 'fickle-1' })
        assert.equal((error.payload as { code: string }).code, 'forbidden')
        await Promise.all([stream.close(), again.close()])
      }))

    test('megabytes pass by a client that does not read: little waits for it, then it reads all', () => {
      const limits = { highWaterMark: 64 * KIBIBYTE, hardLimit: 4_096 * KIBIBYTE, pingInterval: 0 }
      return withServer({ host, limits }, async (server) => {
        const socket = connect(server.port, '127.0.0.1')
        socket.write('GET /sse?room=busy HTTP/1.1\r\nHost: localhost\r\n\r\n')
        let text = ''
        socket.setEncoding('latin1').on('data', (chunk) => text += chunk)
        while (!text.includes('room.joined')) await new Promise((resolve) => setTimeout(resolve, 5))
        const session = /"session":"([^"]+)"/.exec(text)![1]
        socket.pause()
        const other = await WireClient.open(server.port)
        let most = 0
        for (let n = 1; n <= 2_500; n++) {
          other.send(message('busy', n, 'x'.repeat(4_000)))
          if (n % 100 !== 0) continue
          await other.next({ type: 'ack', ref: `${n}` })
          const buffered = await (await fetch(`${server.url}/buffered?session=${session}`)).json() as number
          most = Math.max(most, buffered)
        }
        assert.ok(most > 0, 'nothing ever waited: the client was not slow')
        assert.ok(most < 1_024 * KIBIBYTE, `${most} bytes waited`)
        socket.resume()
        while (!text.includes('"seq":2500,')) await new Promise((resolve) => setTimeout(resolve, 20))
        const seqs = [...text.matchAll(/"seq":(\d+),/g)].map(([, seq]) => Number(seq))
        assert.deepEqual(seqs, range(1, 2_500))
        socket.destroy()
        await other.close()
      })
    })

    test(
      'is told 1001 when the server stops, and that it shall come back before that',
      () =>
        withServer({ host, drain: 1 }, async (server) => {
          const stream = await EventReader.open(askServer(server.url), '?room=africa')
          await stream.next({ type: 'room.joined' })
          const stopped = server.stop()
          await stream.next({ type: 'session.drain' })
          assert.deepEqual((await stream.next({ type: 'session.closed' })).payload, {
            code: 1001,
            reason: 'The server is stopping.',
          })
          await stream.ended
          await stopped
          assert.equal(server.stderr(), '')
          throw new Stopped()
        }).catch((error) => {
          // Here the server is meant to have ended.
          if (!(error instanceof Stopped)) throw error
        }),
      { waits: true },
    )

    test('hundreds come and go at once: nothing is left', () =>
      withServer({ host }, async (server) => {
        const ask = askServer(server.url)
        // Bun's fetch has 256 connections at once.
        for (let round = 0; round < 5; round++) {
          const streams = await Promise.all(range(1, 100).map(() => EventReader.open(ask, '?room=africa')))
          await Promise.all(streams.slice(0, 50).map((stream) => stream.next({ type: 'room.joined' })))
          await Promise.all(streams.map((stream) => stream.close()))
        }
        while (await server.sessions() > 0) await new Promise((resolve) => setTimeout(resolve, 20))
        assert.equal(server.stderr(), '')
      }))
  })
}

class Stopped extends Error {}
