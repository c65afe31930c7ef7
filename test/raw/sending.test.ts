import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { connected } from './raw_peer.ts'

const bytes = (text: string) => new TextEncoder().encode(text)

describe('P8 sending on a raw connection', () => {
  test('each kind of data in each kind of frame', async () => {
    await using raw = connected()
    const { peer, connection } = raw
    const broken = new Uint8Array([0xc3, 0x28])
    assert.equal(connection.mode, 'binary')
    for (const data of ['ü', bytes('ü'), broken]) connection.send(data)
    connection.setText()
    for (const data of ['ü', bytes('ü'), bytes('\ufeff')]) connection.send(data)
    assert.throws(() => connection.send(broken), { code: 'invalid_payload', message: /not UTF-8/ })
    assert.throws(() => connection.send(42 as unknown as string), { code: 'invalid_payload', message: /not a number/ })
    connection.setBinary()
    connection.send('ü')
    assert.deepEqual(peer.frames, [bytes('ü'), bytes('ü'), broken, 'ü', 'ü', '\ufeff', bytes('ü')])
    assert.equal(connection.state, 'open')
    const { framesOut, bytesOut } = connection.metrics
    assert.deepEqual([framesOut, bytesOut], [7, 2 + 2 + 2 + 2 + 2 + 3 + 2])
  })

  test('says when too much waits, tells once when it no longer does, and closes beyond the hard limit', async () => {
    await using raw = connected(undefined, { limits: { maxMessageSize: 256, highWaterMark: 1_024, hardLimit: 65_536 } })
    const { peer, connection } = raw
    let drains = 0
    connection.onDrain(() => drains += 1)
    peer.stalled = true
    const results = Array.from({ length: 5 }, () => connection.send(new Uint8Array(256)))
    assert.deepEqual(results, ['accepted', 'accepted', 'accepted', 'accepted', 'buffered'])
    assert.equal(connection.bufferedAmount, 1_280)
    const drained = connection.drained()
    for (const left of [1_000, 513]) peer.drain(left)
    assert.equal(drains, 0)
    for (const left of [512, 0]) peer.drain(left)
    assert.equal(drains, 1)
    await drained
    await connection.drained()
    assert.equal(connection.send(new Uint8Array(2_000)), 'buffered')
    const over = connection.drained()
    assert.equal(connection.send(new Uint8Array(65_537)), 'closed')
    assert.deepEqual(peer.closedWith, [4002, 'More than 65536 bytes wait to be read.'])
    assert.deepEqual([connection.send('x'), connection.ping()], ['closed', false])
    await over
    assert.equal(drains, 1)
  })

  test('what goes out with a later frame, and not by itself, is a drain too', async () => {
    await using raw = connected(undefined, { limits: { highWaterMark: 1_024 } })
    const { peer, connection } = raw
    let drains = 0
    connection.onDrain(() => drains += 1)
    peer.stalled = true
    assert.equal(connection.send(new Uint8Array(2_000)), 'buffered')
    peer.bufferedAmount = 0
    assert.equal(connection.send(new Uint8Array(600)), 'buffered')
    const drained = connection.drained()
    peer.stalled = false
    assert.equal(connection.send(new Uint8Array(1)), 'accepted')
    await drained
    assert.equal(drains, 1)
  })

  test('a ping carries at most 125 bytes', async () => {
    await using raw = connected()
    assert.equal(raw.connection.ping(new Uint8Array(125)), true)
    assert.throws(() => raw.connection.ping(new Uint8Array(126)), { code: 'invalid_payload', message: /126 bytes/ })
    assert.equal(raw.peer.pings, 1)
  })

  test('a close code that may not be sent is refused, a reason cut to what fits', async () => {
    await using raw = connected()
    const { peer, connection } = raw
    assert.throws(() => connection.close(1006), { code: 'invalid_config', message: /1006 may not be sent/ })
    assert.equal(connection.state, 'open')
    connection.close(4000, '€'.repeat(60))
    connection.close(4001)
    assert.deepEqual(peer.closedWith, [4000, '€'.repeat(41)])
    assert.equal(connection.state, 'closing')
  })
})
