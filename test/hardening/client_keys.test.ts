import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createClient } from '../../src/client/mod.ts'
import { encryption, generateKey, roomKeys } from '../../src/client/encryption/mod.ts'
import { fixture } from '../support/hosts/fixture_protocol.ts'
import { withServer } from '../host/conformance/rows.ts'
import { WireClient } from '../support/wire_client.ts'

test('members of an encrypted room, who see each other’s producer keys, cannot tell what the next one will be', () => {
  return withServer({ encrypted: ['secret-*'] }, async ({ port }) => {
    const listener = await WireClient.open(port)
    listener.send({ type: 'room.join', room: 'secret-1', ref: 'j' })
    await listener.next({ ref: 'j' })
    const client = createClient({ url: `ws://127.0.0.1:${port}/ws`, protocol: fixture })
    const room = client.join('secret-1', {
      cipher: encryption(roomKeys({ current: 'k1', keys: { k1: generateKey() } })),
    })
    const keys: string[] = []
    for (let i = 0; i < 5; i++) {
      await room.publish('chat.message', { user: 'a', text: `${i}` })
      keys.push(((await listener.next({ type: 'chat.message' })).payload as { key: string }).key)
    }
    assert.equal(new Set(keys).size, 5)
    const common = (a: string, b: string) => [...a].findIndex((character, i) => character !== b[i])
    for (let i = 1; i < 5; i++) assert.ok(common(keys[i]!, keys[i - 1]!) < 8, `${keys[i - 1]} and ${keys[i]}`)
    await client.close()
    await listener.close()
  })
})
