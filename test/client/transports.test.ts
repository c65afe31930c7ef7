import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { longPolling, sse } from '../../src/client/transports/mod.ts'
import { once, range, says, Transcript } from '../support/with_client.ts'
import { ALL, type ProxyFixture, type Ways, withProxy } from '../support/with_proxy.ts'

/** Publishes and reads, both ways, and checks that all came once and in order. */
async function talks({ direct, through }: ProxyFixture, name: string, chosen: Ways = ALL()): Promise<void> {
  const { client, uses } = through({}, chosen)
  const room = client.join('africa', { last: 50 })
  const heard = new Transcript(room)
  await uses(name)
  const other = direct().join('africa')
  const places = await Promise.all(range(1, 40).map((n) => room.publish('chat.message', says(`${n}`))))
  await Promise.all(range(41, 80).map((n) => other.publish('chat.message', says(`${n}`))))
  await heard.has(80)
  assert.deepEqual(places.map(({ seq }) => seq), range(1, 40))
  assert.deepEqual(heard.seqs, range(1, 80))
  assert.deepEqual(heard.texts, range(1, 80).map(String))
  assert.deepEqual(await client.request('chat.stats', {}, { room: 'africa' }), { members: 2 })
}

describe('C4 a client with transports', () => {
  test('uses the WebSocket where it can', () => withProxy({}, (fixture) => talks(fixture, 'websocket')))

  test('goes over to SSE at once where upgrades are refused', () =>
    withProxy({ upgrades: 'refused' }, (fixture) => talks(fixture, 'sse')))

  test('goes over to SSE where a proxy swallows frames', () =>
    withProxy({ upgrades: 'swallowed' }, (fixture) => talks(fixture, 'sse')))

  test('goes over to long polling where answers are held back until they are complete', () =>
    withProxy({ upgrades: 'refused', buffers: true }, (fixture) => talks(fixture, 'poll')))

  test('gets everything through a proxy that cuts every connection after some bytes', () =>
    withProxy({ cutAfter: 6_000 }, async ({ through, direct, proxy }) => {
      const writer = direct().join('africa')
      await Promise.all(range(1, 60).map((n) => writer.publish('chat.message', says(`${n} ${'x'.repeat(300)}`))))
      const { client, uses } = through()
      const heard = new Transcript(client.join('africa', { last: 100 }))
      await uses('poll')
      await heard.has(60)
      assert.deepEqual(heard.seqs, range(1, 60))
      assert.ok(proxy.cuts() > 1)
    }))

  test('tries again when a server accepts and says nothing, and connects as soon as one speaks', () =>
    withProxy({ silent: true }, async ({ proxy, through }) => {
      const { client, uses } = through({ connectTimeout: 200, patience: 100, retry: 100 })
      await once(proxy.onConnection, (count) => count > 3)
      assert.equal(client.state, 'connecting')
      proxy.behave({})
      proxy.cut()
      await uses('websocket')
    }))

  for (const transport of [sse, longPolling]) {
    const { name } = transport()
    test(`over ${name} alone, when that is forced, though a WebSocket would do`, () =>
      withProxy({}, async (fixture) => {
        await talks(fixture, name, [transport()])
        assert.ok(fixture.proxy.requests.length > 0)
        assert.deepEqual(fixture.proxy.requests.filter((line) => line.includes('/ws')), [])
      }))
  }
})
