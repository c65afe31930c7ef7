import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { describe, test } from 'node:test'
import { createHub, memoryStore, RotundaError } from '../../src/mod.ts'
import type { EncryptedPayload } from '../../src/client/encryption/mod.ts'
import { ControlledStore } from '../support/controlled_store.ts'
import { connectPeer, MemoryHost } from '../support/memory_peer.ts'
import { note, notes } from '../support/test_hub.ts'

const refused = (error: unknown) => error instanceof RotundaError && error.code === 'plaintext_refused'

/** What looks as it should; a hub cannot look further. */
function sealed(key: string): EncryptedPayload {
  const base64 = (bytes: number) => Buffer.alloc(bytes, key).toString('base64')
  return { v: 1, kid: 'k1', key, iv: base64(24), ct: base64(40) }
}

function setUp() {
  const store = new ControlledStore()
  const hub = createHub({ protocol: notes, store, encrypted: ['secret-*', 'board'] })
  const host = new MemoryHost({ native: true })
  return { hub, store, peer: connectPeer(hub, host), other: connectPeer(hub, host) }
}

async function codeOf(peer: ReturnType<typeof connectPeer>, ref: string): Promise<string> {
  return ((await peer.next('error', ref)).payload as { code: string }).code
}

describe('a hub with encrypted rooms', () => {
  for (const room of ['secret-1', 'board']) {
    test(`refuses plaintext of clients, stored and not, in ${room}`, async () => {
      const { hub, store, peer, other } = setUp()
      for (const each of [peer, other]) each.say({ type: 'room.join', room, ref: 'j' })
      await Promise.all([peer.next('room.joined', 'j'), other.next('room.joined', 'j')])
      peer.say(note('Hello!', { room, ref: '1', key: 'a' }))
      peer.say({ type: 'typing', room, ref: '2', payload: { user: 'Ana' } })
      // Anybody could publish again what was heard, were it not for its own key.
      peer.say({ type: 'note', room, ref: '3', key: 'b', payload: sealed('a') })
      peer.say({ type: 'note', room, ref: '4', payload: sealed('a') })
      peer.say({ type: 'typing', room, ref: '5', payload: sealed('a') })
      for (const ref of ['1', '2', '3', '4', '5']) assert.equal(await codeOf(peer, ref), 'plaintext_refused')
      peer.say({ type: 'note', room, ref: '6', key: 'a', payload: sealed('a') })
      peer.say({ type: 'typing', room, ref: '7', payload: sealed('') })
      await Promise.all([peer.next('ack', '6'), peer.next('ack', '7'), other.next('note'), other.next('typing')])
      const events = other.received.filter(({ type }) => type === 'note' || type === 'typing')
      assert.deepEqual(events.map(({ payload }) => payload), [sealed(''), sealed('a')])
      assert.deepEqual(store.batches, [1])
      await hub.close()
    })
  }

  test('takes what it cannot check against the contract, and still no type that is not in it', async () => {
    const { hub, peer } = setUp()
    peer.say({ type: 'note', room: 'secret-1', ref: '1', key: 'a', payload: sealed('a') })
    await peer.next('ack', '1')
    peer.say({ type: 'other', room: 'secret-1', ref: '2', key: 'b', payload: sealed('b') })
    assert.equal(await codeOf(peer, '2'), 'unknown_type')
    const { messages } = await hub.room('secret-1').history()
    assert.deepEqual(messages.map(({ payload }) => JSON.parse(payload as string)), [sealed('a')])
    await hub.close()
  })

  test('leaves other rooms as they are', async () => {
    const { hub, peer } = setUp()
    peer.say(note('Hello!', { room: 'boards', ref: '1' }))
    await peer.next('ack', '1')
    peer.say({ type: 'note', room: 'boards', ref: '2', payload: sealed('') })
    assert.equal(await codeOf(peer, '2'), 'invalid_payload')
    await hub.close()
  })

  test('refuses plaintext of its own application, and takes what that has encrypted', async () => {
    const { hub, peer } = setUp()
    const room = hub.room('secret-1')
    peer.say({ type: 'room.join', room: 'secret-1', ref: 'j' })
    await peer.next('room.joined', 'j')
    await assert.rejects(room.publish('note', { text: 'Hello!' }, { key: 'a' }), refused)
    await assert.rejects(room.publish('note', sealed('b') as never, { key: 'a' }), refused)
    assert.throws(() => room.publish('typing', { user: 'Ana' }), refused)
    assert.throws(() => room.broadcast('typing', { user: 'Ana' }), refused)
    assert.throws(() => room.broadcast('note', { text: 'Hello!' }), refused)
    assert.throws(() => room.broadcast('note', sealed('a') as never), refused)
    assert.equal((await room.publish('note', sealed('a') as never, { key: 'a' })).seq, 1)
    assert.equal((await room.publish('note', sealed('') as never)).seq, 2)
    room.publish('typing', sealed('') as never)
    room.broadcast('note', sealed('') as never)
    const received = await peer.until((all) => all.filter(({ type }) => type === 'note').length === 3)
    assert.ok(!JSON.stringify(received).includes('Hello'))
    await hub.close()
  })

  test('hands nothing of them to handlers of events, which could not read it', async () => {
    const { hub, peer } = setUp()
    const handled: unknown[] = []
    hub.on('note', (ctx, payload) => {
      handled.push(payload)
      return ctx.publish(payload)
    })
    hub.on('typing', (_ctx, payload) => void handled.push(payload))
    peer.say({ type: 'note', room: 'secret-1', ref: '1', key: 'a', payload: sealed('a') })
    peer.say({ type: 'typing', room: 'secret-1', ref: '2', payload: sealed('') })
    peer.say(note('Hello!', { room: 'open', ref: '3' }))
    for (const ref of ['1', '2', '3']) await peer.next('ack', ref)
    assert.deepEqual(handled, [{ text: 'Hello!' }])
    await hub.close()
  })

  test('asks its policies about publishing as elsewhere', async () => {
    const asked: string[] = []
    const hub = createHub({
      protocol: notes,
      encrypted: ['secret-*'],
      authorize: (_who, action, target) => {
        asked.push(`${action} ${target}`)
        return action !== 'publish'
      },
    })
    const peer = connectPeer(hub, new MemoryHost({ native: true }))
    peer.say({ type: 'note', room: 'secret-1', ref: '1', key: 'a', payload: sealed('a') })
    assert.equal(await codeOf(peer, '1'), 'forbidden')
    assert.deepEqual(asked, ['publish secret-1'])
    await hub.close()
  })

  test('does not start with a pattern that is none', () => {
    const make = (encrypted: string[]) => () => createHub({ protocol: notes, store: memoryStore(), encrypted })
    assert.throws(make(['secret-*', 'a*b']), { code: 'invalid_config', message: /encrypted\[1\] is "a\*b"/ })
    assert.throws(make(['']), { code: 'invalid_config' })
  })
})
