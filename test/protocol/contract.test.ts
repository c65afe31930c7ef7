import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { z } from 'zod'
import { type Contract, defineProtocol, event, rpc, type StandardSchema } from '../../src/protocol/mod.ts'

const text = event(z.object({ text: z.string() }))
const refuses = (declare: () => unknown, says: RegExp) => {
  assert.throws(declare, (error: Error & { code?: string }) => {
    assert.equal(error.code, 'invalid_config')
    assert.match(error.message, says)
    return true
  })
}

describe('defineProtocol', () => {
  test('keeps events and requests by name', () => {
    const stats = rpc(z.object({}), z.object({ members: z.number() }))
    const typing = event(z.object({}), { durable: false })
    const { definitions } = defineProtocol({ 'chat.message': text, 'chat.typing': typing, 'chat.stats': stats })
    assert.deepEqual(Object.keys(definitions), ['chat.message', 'chat.typing', 'chat.stats'])
    assert.equal(definitions['chat.message'].durable, true)
    assert.equal(definitions['chat.typing'].durable, false)
    assert.equal(definitions['chat.stats'].kind, 'rpc')
  })

  test('takes every name the wire allows', () => {
    for (const name of ['a', '_', 'Z9', 'a.b:c-d_e', 'constructor', 'rooms.x', 'acks', 'a'.repeat(128)]) {
      defineProtocol({ [name]: text })
    }
  })

  test('refuses names that are reserved, and says so', () => {
    for (const name of ['room.join', 'room:x', 'session.ping', 'presence.mine', 'rotunda.x', 'ack', 'error']) {
      refuses(() => defineProtocol({ [name]: text }), /is reserved by rotunda: choose another name/)
    }
  })

  test('refuses names that are malformed, and says what is allowed', () => {
    for (const name of ['', '1a', '.a', 'a b', 'ä', 'a/b', 'a\n', 'a\u0000', '🙂', 'a'.repeat(129)]) {
      refuses(() => defineProtocol({ [name]: text }), /must start with a letter .*at most 128/)
    }
  })

  test('refuses what is no definition', () => {
    for (const wrong of [null, undefined, {}, 'event', z.object({}), { kind: 'other' }]) {
      refuses(() => defineProtocol({ a: wrong } as unknown as Contract), /must be declared with event\(…\) or rpc\(…\)/)
    }
  })
})

test('event and rpc refuse what is no schema', () => {
  for (const wrong of [null, undefined, {}, 'string', () => {}, { '~standard': {} }, { '~standard': null }]) {
    const schema = wrong as unknown as StandardSchema
    refuses(() => event(schema), /must implement Standard Schema v1/)
    refuses(() => rpc(schema, z.object({})), /must implement Standard Schema v1/)
    refuses(() => rpc(z.object({}), schema), /must implement Standard Schema v1/)
  }
})
