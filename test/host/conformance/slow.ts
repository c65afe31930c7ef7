import assert from 'node:assert/strict'
import { clientFrame, RawSocket } from '../../support/raw_socket.ts'
import type { HostName } from '../../support/spawn_server.ts'
import { WireClient } from '../../support/wire_client.ts'
import { onDeno, row, withServer } from './rows.ts'

const KIBIBYTE = 1024
/** More than what the system buffers for a loopback connection. */
const MESSAGES = 3_600
const BATCH = 15
/** Sent at once, before the answers are awaited. */
const ROUND = 8 * BATCH
const TEXT = 'x'.repeat(4_000)

/** Clients that do not read. */
export function slowConsumers(host: HostName): void {
  row(host, 'slow', (test) => {
    test('megabytes pass by a client that does not read: little waits for it, others are served, then it reads all', () => {
      const limits = { highWaterMark: 64 * KIBIBYTE, hardLimit: 4_096 * KIBIBYTE, pingInterval: 0 }
      return withServer({ host, events: true, limits }, async (server) => {
        const slow = await RawSocket.upgraded(server.port, { 'Sec-WebSocket-Protocol': 'rotunda.v1.json' })
        const session = await slow.session()
        slow.write(clientFrame(1, JSON.stringify({ type: 'room.join', room: 'busy', ref: 'j' })))
        await slow.frame()
        slow.socket.pause()
        const other = await WireClient.open(server.port)
        other.send({ type: 'room.join', room: 'busy', ref: 'j' })
        await other.next({ type: 'room.joined' })
        const buffered = async () => await (await fetch(`${server.url}/buffered?session=${session}`)).json() as number
        let most = 0
        for (let sent = 0; sent < MESSAGES; sent += ROUND) {
          for (let at = sent; at < sent + ROUND; at += BATCH) {
            other.send(Array.from({ length: BATCH }, (_, i) => {
              return { type: 'chat.message', room: 'busy', payload: { user: `${at + i + 1}`, text: TEXT } }
            }))
          }
          for (let i = 1; i <= ROUND; i++) assert.equal((await other.next({ type: 'chat.message' })).seq, sent + i)
          most = Math.max(most, await buffered())
        }
        assert.ok(most > 0, 'nothing ever waited: the client was not slow')
        // The mark, what passes between two looks, and the commit that crosses it.
        assert.ok(most < 1_024 * KIBIBYTE, `${most} bytes waited`)
        slow.socket.resume()
        for (let seq = 1; seq <= MESSAGES;) {
          const envelopes: { seq: number }[] = [JSON.parse((await slow.frame()).payload.toString())].flat()
          for (const envelope of envelopes) assert.equal(envelope.seq, seq++)
        }
        slow.destroy()
        await other.close()
      })
    })

    test('who lets more than the hard limit wait is closed as a slow consumer; others are served', () => {
      const limits = { highWaterMark: 64 * KIBIBYTE, hardLimit: 256 * KIBIBYTE, pingInterval: 0 }
      return withServer({ host, events: true, limits }, async (server) => {
        const slow = await RawSocket.upgraded(server.port)
        const session = await slow.session()
        slow.socket.pause()
        slow.write(clientFrame(1, '!fill 1000 60000'))
        const other = await WireClient.open(server.port)
        const { code, reason } = await server.event({ type: 'close', session })
        assert.deepEqual([code, reason], [4002, `More than ${256 * KIBIBYTE} bytes wait to be read.`])
        await other.ping()
        assert.equal(await server.sessions(), 1)
        slow.destroy()
        await other.close()
      })
    }, { waits: onDeno(host) })
  })
}
