import { Buffer } from 'node:buffer'
import assert from 'node:assert/strict'
import { clientFrame, RawSocket } from '../../support/raw_socket.ts'
import { type HostName, spawnServer } from '../../support/spawn_server.ts'
import { tempDir } from '../../support/temp_dir.ts'
import { WireClient } from '../../support/wire_client.ts'
import { onDeno, row, served, withServer } from './rows.ts'

const FRAMES = 12_000
const MEBIBYTE = 1024 * 1024
const hi = { user: 'a', text: 'hi' }

/** Clients that say more than a server can take. */
export function floods(host: HostName): void {
  row(host, 'flood', (test) => {
    const server = served({ host })
    let opened: WireClient | undefined
    /** Somebody else, who is served meanwhile. */
    const bystander = async () => opened ??= await WireClient.open(server().port)

    /** Sends everything at once; gives the answers by ref once all have come. */
    async function answers(frames: readonly object[], from = server()): Promise<Map<string, string>> {
      const client = await WireClient.open(from.port)
      for (const frame of frames) client.send(frame)
      await (await bystander()).ping()
      // The last frames, too, may be refused because of a full queue: only answers tell that all were handled.
      const byRef = new Map<string, string>()
      const expected = frames.flat().length
      while (byRef.size < expected) {
        const { type, ref, payload } = client.unread.shift() ?? await client.next({})
        if (ref === undefined) continue
        assert.equal(byRef.has(ref), false, `${ref} was answered twice`)
        byRef.set(ref, type === 'error' ? (payload as { code: string }).code : type)
      }
      await client.ping()
      await client.close()
      return byRef
    }

    const count = (byRef: Map<string, string>, what: string) => [...byRef.values()].filter((it) => it === what).length

    test('of valid publishes: every one is acknowledged or told to come again, and what was acknowledged is stored', async () => {
      const frames = Array.from({ length: FRAMES }, (_, i) => {
        return { type: 'chat.message', room: 'flood', ref: `${i}`, key: `k${i}`, payload: hi }
      })
      const byRef = await answers(frames)
      const stored = count(byRef, 'ack')
      assert.equal(stored + count(byRef, 'overloaded') + count(byRef, 'inbound_overflow'), FRAMES)
      const other = await bystander()
      other.send({ type: 'room.history', room: 'flood', ref: 'h', payload: { limit: 1 } })
      const { payload } = await other.next({ ref: 'h' })
      assert.equal((payload as { head: number }).head, stored)
    })

    test('of payloads that fail their schema: every one is answered', async () => {
      const frames = Array.from({ length: FRAMES }, (_, i) => {
        return { type: 'chat.message', room: 'flood', ref: `${i}`, payload: {} }
      })
      const byRef = await answers(frames)
      assert.equal(count(byRef, 'invalid_payload') + count(byRef, 'inbound_overflow'), FRAMES)
    })

    test('of requests that are answered later: every one is answered, those beyond the queue with inbound_overflow', async () => {
      const dir = await tempDir()
      // Reading a file takes long enough for the rest of the flood to arrive.
      const slow = await spawnServer({ host, database: `file:${dir.path}/rotunda.db`, limits: { maxInboundQueue: 64 } })
      const request = (ref: string) => ({ type: 'room.history', room: 'empty', ref, payload: { limit: 1 } })
      const frames = Array.from({ length: 2_000 }, (_, i) => Array.from({ length: 5 }, (_, j) => request(`${i}.${j}`)))
      const byRef = await answers(frames, slow)
      assert.equal(byRef.size, 10_000)
      assert.equal(count(byRef, 'room.history') + count(byRef, 'inbound_overflow'), 10_000)
      assert.ok(count(byRef, 'room.history') >= 64 * 5, 'what fits the queue is answered')
      assert.ok(count(byRef, 'inbound_overflow') > 0, 'no queue was ever full')
      await slow.stop()
      await dir.remove()
    })

    test('of junk: the connection is closed with 1008, others are served', async () => {
      const client = await WireClient.open(server().port)
      for (let i = 0; i < FRAMES; i++) client.send('junk')
      await (await bystander()).ping()
      const { code } = await client.closed
      // What Bun and Deno call a connection that was dropped.
      if (onDeno(host) && (code === 1006 || code === 0)) return
      assert.equal(code, 1008)
      assert.equal(client.unread.filter(({ type }) => type === 'error').length, 101)
    }, { substitute: onDeno(host) && 'talking-client' })

    test(
      'from a client that never reads: it is cut off, memory stays bounded, others are served',
      () =>
        withServer({ host }, async (own) => {
          const other = await WireClient.open(own.port)
          const before = await own.memory()
          const raw = await RawSocket.upgraded(own.port)
          raw.socket.pause()
          // Half a million answers of about 150 bytes are far more than the 16 MiB that may be pending.
          const batch = JSON.stringify(Array(500).fill({ type: 'session.ping', ref: 'x'.repeat(64) }))
          const frames = Buffer.concat(Array(20).fill(clientFrame(1, batch)))
          for (let i = 0; i < 50 && !raw.socket.destroyed; i++) raw.write(frames)
          let sessions = 2
          while (sessions > 1) {
            await other.ping()
            sessions = await own.sessions()
            const grown = await own.memory() - before
            assert.ok(grown < 300 * MEBIBYTE, `the server grew by ${Math.round(grown / MEBIBYTE)} MiB`)
            // Deno lets it go after five seconds; looking on without a pause would slow that down, and all else.
            await new Promise((resolve) => setTimeout(resolve, 20))
          }
          raw.destroy()
          await other.ping()
          await other.close()
        }),
      { waits: onDeno(host) },
    )

    test('after all of which the process lives', async () => {
      assert.ok(server().isAlive(), server().stderr())
      await opened?.close()
    })
  })
}
