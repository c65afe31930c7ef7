import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { jsonCodec } from '../../src/protocol/json_codec.ts'
import { SharedRead } from '../../src/hub/shared_read.ts'
import { ControlledStore } from '../support/controlled_store.ts'
import { connectPeer, MemoryHost } from '../support/memory_peer.ts'
import { notesHub } from '../support/test_hub.ts'

const PLAIN = { codec: jsonCodec, batches: false }
const MANY = 1024 * 1024

describe('a view of a room', () => {
  test('keeps the room open without being in it, and lets it go when it is closed', async () => {
    const hub = notesHub(new ControlledStore())
    const view = hub.reader.open('r')
    await view.start({})
    assert.deepEqual([hub.metrics.rooms, hub.rooms, hub.room('r').size], [1, [], 0])
    view.close()
    assert.equal(hub.metrics.rooms, 0)
    await hub.close()
  })

  test('is told of what is committed, and reads it from its own place', async () => {
    const hub = notesHub(new ControlledStore())
    const view = hub.reader.open('r')
    const { joined } = await view.start({})
    assert.deepEqual(joined, { head: 0, epoch: hub.epoch, cursor: 0 })
    const moved = new Promise<void>((resolve) => view.watcher = { moved: resolve })
    await hub.room('r').publish('note', { text: '1' })
    await moved
    const { frames, gap } = await view.read(PLAIN, 10, MANY)
    assert.deepEqual([frames.length, gap, view.cursor, view.isBehind], [1, undefined, 1, false])
    assert.deepEqual(await view.read(PLAIN, 10, MANY), { gap: undefined, frames: [] })
    view.close()
    await hub.close()
  })

  test('reads no more than it is asked for, by count and by bytes, but one at least', async () => {
    const hub = notesHub(new ControlledStore())
    for (let n = 1; n <= 9; n++) await hub.room('r').publish('note', { text: 'x'.repeat(1_000) })
    const view = hub.reader.open('r')
    await view.start({ since: { epoch: hub.epoch, seq: 0 } })
    assert.equal((await view.read(PLAIN, 4, MANY)).frames.length, 4)
    assert.equal((await view.read(PLAIN, 9, 2_500)).frames.length, 2)
    assert.equal((await view.read(PLAIN, 9, 1)).frames.length, 1)
    assert.equal((await view.read(PLAIN, 9, MANY)).frames.at(-1)!.last, 9)
    view.close()
    await hub.close()
  })

  test('of a room that could not be read at first does not keep it broken for who comes later', async () => {
    const store = new ControlledStore()
    const hub = notesHub(store)
    hub.onError(() => {})
    store.failReads = true
    const first = hub.reader.open('r')
    await assert.rejects(first.start({}), { code: 'store_unavailable' })
    store.failReads = false
    const second = hub.reader.open('r')
    await second.start({})
    const moved = new Promise<void>((resolve) => second.watcher = { moved: resolve })
    await hub.room('r').publish('note', { text: '1' })
    await moved
    const peer = connectPeer(hub, new MemoryHost({ native: true }))
    peer.say({ type: 'room.join', room: 'r', ref: 'j' })
    await peer.next('room.joined', 'j')
    first.close()
    second.close()
    await hub.close()
  })

  test('does not make the room read for nobody what another node has stored', async () => {
    const store = new ControlledStore()
    const hub = notesHub(store)
    const other = notesHub(store)
    const view = hub.reader.open('r')
    await view.start({})
    await Promise.all(Array.from({ length: 2_000 }, () => other.room('r').publish('note', { text: 'x' })))
    const before = store.reads
    const moved = new Promise<void>((resolve) => view.watcher = { moved: resolve })
    await view.refresh()
    await moved
    assert.ok(view.isBehind)
    assert.equal(store.reads - before, 1)
    view.close()
    await Promise.all([hub.close(), other.close()])
  })
})

describe('a shared read', () => {
  test('is one for all who ask before it begins; who asks while it is under way gets the next', async () => {
    let count = 0
    const gates: PromiseWithResolvers<void>[] = []
    const shared = new SharedRead(async () => {
      const own = ++count
      const gate = Promise.withResolvers<void>()
      gates.push(gate)
      await gate.promise
      return own
    })
    const first = [shared.get(), shared.get()]
    while (gates.length === 0) await Promise.resolve()
    const second = [shared.get(), shared.get(), shared.get()]
    gates[0]!.resolve()
    assert.deepEqual(await Promise.all(first), [1, 1])
    while (gates.length === 1) await Promise.resolve()
    gates[1]!.resolve()
    assert.deepEqual(await Promise.all(second), [2, 2, 2])
  })

  test('that fails fails for who asked, and not for who asks next', async () => {
    let isDown = true
    const shared = new SharedRead(() => isDown ? Promise.reject(new Error('down')) : Promise.resolve('up'))
    const asked = [shared.get(), shared.get()]
    for (const one of asked) await assert.rejects(one, /down/)
    isDown = false
    assert.equal(await shared.get(), 'up')
  })
})
