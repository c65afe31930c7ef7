import assert from 'node:assert/strict'
import { handshake, RawSocket } from '../../support/raw_socket.ts'
import type { HostName } from '../../support/spawn_server.ts'
import { WireClient } from '../../support/wire_client.ts'
import { inSeconds, signed } from '../../support/tokens.ts'
import { row, withServer } from './rows.ts'

async function knock(port: number, headers: Record<string, string> = {}): Promise<{ raw: RawSocket; outcome: string }> {
  const raw = await RawSocket.open(port)
  raw.write(handshake(headers))
  const { status, body } = await raw.response()
  if (status === 101) return { raw, outcome: '101' }
  const { payload } = JSON.parse(body) as { payload: { code: string; retryable: boolean } }
  assert.equal(payload.retryable, true)
  return { raw, outcome: `${status} ${payload.code}` }
}

/** What one address may have and do, and what is bounded over all. */
export function addresses(host: HostName): void {
  row(host, 'addresses', (test) => {
    test('X2 an address has so many connections; when one has ended, the next is taken; raw ones count', () => {
      return withServer({ host, events: true, raw: {}, limits: { maxConnectionsPerAddress: 2 } }, async (server) => {
        const first = await WireClient.open(server.port)
        const session = await first.session()
        const service = await RawSocket.open(server.port)
        service.write(handshake({}, { path: '/raw' }))
        assert.equal((await service.response()).status, 101)
        const refused = await knock(server.port)
        assert.equal(refused.outcome, '503 connection_limit')
        const stream = await fetch(`${server.url}/sse`)
        await stream.body?.cancel()
        assert.equal(stream.status, 503)
        await first.close()
        await server.event({ type: 'close', session })
        const next = await knock(server.port)
        assert.equal(next.outcome, '101')
        for (const { raw } of [refused, next, { raw: service }]) raw.destroy()
      })
    })

    test('X2 an address begins so many handshakes, of whatever kind, and others are not concerned', () => {
      return withServer({ host, trustProxy: 1, limits: { maxHandshakesPerAddress: 3 } }, async (server) => {
        const from = (address: string) => ({ 'X-Forwarded-For': `6.6.6.6, ${address}` })
        const knocks = []
        for (let i = 0; i < 5; i++) knocks.push(await knock(server.port, from('1.2.3.4')))
        assert.deepEqual(knocks.map(({ outcome }) => outcome), [
          '101',
          '101',
          '101',
          '429 quota_exceeded',
          '429 quota_exceeded',
        ])
        const poll = await fetch(`${server.url}/poll`, { method: 'POST', headers: from('1.2.3.4') })
        await poll.body?.cancel()
        assert.equal(poll.status, 429)
        knocks.push(await knock(server.port, from('1.2.3.5')))
        assert.equal(knocks.at(-1)!.outcome, '101')
        for (const { raw } of knocks) raw.destroy()
      })
    })

    test('A6 handshakes that wait to be authenticated are so many; the others are refused and not kept', () => {
      const options = { host, auth: { secret: signed.secret, held: true }, limits: { maxPendingHandshakes: 3 } }
      return withServer(options, async (server) => {
        const token = await signed({ exp: inSeconds(60) })
        const headers = { Authorization: `Bearer ${token}` }
        const refused = Promise.withResolvers<void>()
        let left = 5
        const all = Array.from({ length: 8 }, async () => {
          const knocked = await knock(server.port, headers)
          if (--left === 0) refused.resolve()
          return knocked
        })
        await refused.promise
        await (await fetch(`${server.url}/admit`)).text()
        const knocks = await Promise.all(all)
        const outcomes = knocks.map(({ outcome }) => outcome).sort()
        assert.deepEqual(outcomes, [...Array(3).fill('101'), ...Array(5).fill('503 overloaded')])
        for (const { raw } of knocks) raw.destroy()
        const late = await knock(server.port, headers)
        assert.equal(late.outcome, '101')
        late.raw.destroy()
      })
    })

    test('A6 rooms are so many over all sessions', () => {
      return withServer({ host, limits: { maxRooms: 1 } }, async ({ port }) => {
        const [a, b] = [await WireClient.open(port), await WireClient.open(port)]
        a.send({ type: 'room.join', room: 'a', ref: 'a' })
        await a.next({ type: 'room.joined', ref: 'a' })
        b.send({ type: 'room.join', room: 'b', ref: 'b' })
        const { code, retryable } = await b.errorOf('b')
        assert.deepEqual([code, retryable], ['overloaded', true])
        await Promise.all([a.close(), b.close()])
      })
    })
  })
}
