import assert from 'node:assert/strict'
import { test } from 'node:test'
import { answerHealth, createHub, memoryStore } from '../../src/mod.ts'
import { fixture } from '../support/hosts/fixture_protocol.ts'
import { MemoryHost, MemoryPeer } from '../support/memory_peer.ts'

test('health looks at no session, however many there are', async () => {
  const hub = createHub({ protocol: fixture, store: memoryStore() })
  const peer = new MemoryPeer(new MemoryHost({ native: false }))
  peer.connection = hub.connect(peer, { subprotocol: undefined, metadata: {} })
  for (const name of ['metrics', 'rooms'] as const) {
    const get = () => assert.fail('anybody may ask for the health')
    Object.defineProperty(peer.connection, name, { get, configurable: true })
  }
  const { sessions } = await answerHealth(hub).json() as { sessions: number }
  assert.equal(sessions, 1)
  for (const name of ['metrics', 'rooms'] as const) Reflect.deleteProperty(peer.connection, name)
  await hub.close()
})
