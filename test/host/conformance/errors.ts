import assert from 'node:assert/strict'
import { clientFrame, RawSocket } from '../../support/raw_socket.ts'
import { type HostName, spawnServer } from '../../support/spawn_server.ts'
import { WireClient } from '../../support/wire_client.ts'
import { ownsServer, row, served } from './rows.ts'

/** Code of the application, and what else could throw inside an event of the runtime. */
export function errors(host: HostName): void {
  row(host, 'errors', (test) => {
    const server = served({ host, events: true })

    test('a message handler that throws: its client is told, not why, and the session lives', async () => {
      const client = await WireClient.open(server().port)
      const session = await client.session()
      client.send('!throw up')
      const { payload } = await client.next({ type: 'error' })
      assert.equal((payload as { code: string }).code, 'internal')
      assert.doesNotMatch(JSON.stringify(payload), /told to fail/)
      const { message } = await server().event({ type: 'error', session })
      assert.match(String(message), /told to fail: throw up/)
      await client.ping()
      await client.close()
    })

    test('an open handler that throws: 1011', async () => {
      const raw = await RawSocket.upgraded(server().port, { 'User-Agent': 'throw in open' })
      const session = await raw.session()
      assert.equal(await raw.closeCode(), 1011)
      raw.destroy()
      assert.equal((await server().event({ type: 'close', session }))['code'], 1011)
    })

    test('a close handler that throws: reported', async () => {
      const raw = await RawSocket.upgraded(server().port, { 'User-Agent': 'throw in close' })
      const session = await raw.session()
      raw.destroy()
      const { message } = await server().event({ type: 'error', session })
      assert.match(String(message), /told to fail in close/)
    })

    for (const place of ['connect', 'receive']) {
      test(`an exception in the hub’s own ${place}: reported, and ends this connection alone, with 1011`, async () => {
        const raw = await RawSocket.upgraded(server().port, { 'User-Agent': `throw in ${place}` })
        raw.write(clientFrame(1, '{"type":"session.ping"}'))
        assert.equal(await raw.closeCode(), 1011)
        raw.destroy()
        await server().event({ type: 'error', message: `TypeError: the fixture was told to fail in ${place}` })
      })
    }

    test('an application that throws while it answers a request: 500, without telling why', async () => {
      const own = await spawnServer({ host })
      const response = await fetch(`${own.url}/throw`)
      const body = await response.text()
      await own.stop()
      assert.equal(response.status, 500)
      if (!ownsServer(host)) assert.equal(JSON.parse(body).payload.code, 'internal')
      assert.doesNotMatch(body, /told to fail|\.ts/)
      assert.match(own.stderr(), /told to fail/)
    }, { substitute: ownsServer(host) && 'own-server' })

    test('after all of which the process lives and serves', async () => {
      assert.ok(server().isAlive(), server().stderr())
      const client = await WireClient.open(server().port)
      await client.ping()
      await client.close()
    })
  })
}
