import { Buffer } from 'node:buffer'
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type RawConnection, rawService, RotundaError } from '../../src/mod.ts'
import { connected, connectTo, emptyHub } from './raw_peer.ts'

/** Lets everything go on that waits for nothing. */
const settled = () => new Promise((resolve) => setTimeout(resolve, 0))

describe('P8 handlers of a raw connection', () => {
  test('every data handler gets every frame, until it is removed', async () => {
    await using raw = connected()
    const { peer, connection } = raw
    const seen: string[] = []
    const stop = connection.onData((_, data) => seen.push(`a${data}`))
    connection.onData((_, data) => seen.push(`b${data}`))
    peer.say('1')
    stop()
    peer.say('2')
    assert.deepEqual(seen, ['a1', 'b1', 'b2'])
  })

  test('what waits is handed over after whoever added the handler is done, before what comes later', async () => {
    await using raw = connected()
    const { peer, connection } = raw
    const seen: unknown[] = []
    peer.say('1', '2')
    connection.onData((_, data) => seen.push(data))
    assert.deepEqual(seen, [])
    peer.say('3')
    await settled()
    peer.say('4')
    assert.deepEqual(seen, ['1', '2', '3', '4'])
  })

  test('bytes are a Uint8Array and nothing else, whatever the runtime hands over', async () => {
    await using raw = connected()
    const { peer, connection } = raw
    peer.say(Buffer.from([9, 1, 2, 9]).subarray(1, 3))
    const data = await connection.read()
    assert.equal(Object.getPrototypeOf(data), Uint8Array.prototype)
    assert.deepEqual(data, new Uint8Array([1, 2]))
  })

  test('handlers in flight count as waiting: more than may wait is 4003, fewer go on', async () => {
    const finish: (() => void)[] = []
    const handle = (connection: RawConnection<Record<string, unknown>>) => {
      connection.onData(() => new Promise<void>((resolve) => finish.push(resolve)))
    }
    await using raw = connected(handle, { limits: { maxInboundQueue: 3 } })
    raw.peer.say('1', '2', '3')
    finish[0]!()
    await settled()
    raw.peer.say('4')
    assert.equal(raw.connection.state, 'open')
    raw.peer.say('5')
    const reason = 'More than 3 frames or 1048576 bytes wait to be read.'
    assert.deepEqual([finish.length, raw.peer.closedWith], [4, [4003, reason]])
    for (const end of finish) end()
  })

  test('bytes that wait are counted too, and freed when read', async () => {
    await using raw = connected(undefined, { limits: { maxMessageSize: 256, maxInboundBytes: 600 } })
    const { peer, connection } = raw
    for (let i = 0; i < 10; i++) {
      peer.say('€'.repeat(80), new Uint8Array(256))
      assert.deepEqual([await connection.read(), (await connection.read()).length], ['€'.repeat(80), 256])
    }
    peer.say('€'.repeat(80), '€'.repeat(80), '€'.repeat(80))
    assert.equal(peer.closedWith?.[0], 4003)
  })

  test('closing is told once, also to who asks late, and not to who asked no more', async () => {
    await using raw = connected()
    const { peer, connection } = raw
    const told: unknown[] = []
    connection.onClose((same, code, reason) => told.push([same === connection, same.state, code, reason]))
    connection.onClose(() => told.push('removed'))()
    peer.leave(4321, 'why')
    peer.leave(1006)
    connection.onClose((_, code) => told.push(['late', code]))
    connection.onClose(() => told.push('removed late'))()
    await settled()
    assert.deepEqual(told, [[true, 'closed', 4321, 'why'], ['late', 4321]])
  })

  test('a handler that waits for a connection that ends is not an error', async () => {
    const told: unknown[] = []
    await using raw = connected(async (connection) => {
      connection.onError((_, error) => told.push(error))
      while (true) await connection.read()
    })
    raw.peer.say('1')
    raw.peer.leave()
    await settled()
    assert.deepEqual([raw.reported, told], [[], []])
  })

  test('a read that is not answered in time, and not caught, closes with its own error', async () => {
    await using raw = connected((connection) => connection.read({ timeout: 1 }))
    await new Promise((resolve) => raw.connection.onClose(resolve))
    assert.deepEqual([raw.peer.closedWith, raw.reported], [[1008, 'Nothing arrived within 1 ms.'], []])
  })

  test('what a handler threw is told to the connection’s error handlers; what they throw to the hub’s', async () => {
    await using raw = connected()
    const { peer, connection, reported } = raw
    const told: unknown[] = []
    const [first, second, third] = ['first', 'second', 'third'].map((text) => new Error(text))
    connection.onError((same, error) => told.push(same === connection, error))
    connection.onError(() => {
      throw second
    })
    connection.onError(() => Promise.reject(third))
    connection.onData(() => {
      throw first
    })
    connection.onData(() => told.push('never'))
    peer.say('1', '2')
    await settled()
    assert.deepEqual(told, [true, first])
    assert.deepEqual(reported, [second, third])
    assert.deepEqual(peer.closedWith, [1011, 'The server failed.'])
  })

  test('what fails at one frame is not given the next, also when the client has left', async () => {
    await using raw = connected()
    const { peer, connection, reported } = raw
    peer.say('1', '2')
    peer.leave()
    let calls = 0
    connection.onData(() => {
      calls += 1
      throw new TypeError('no')
    })
    await settled()
    assert.deepEqual([calls, reported.length], [1, 1])
  })

  test('handlers of closing and draining that fail are reported like others', async () => {
    await using raw = connected()
    raw.connection.onClose(() => Promise.reject(new TypeError('close')))
    raw.peer.leave()
    await settled()
    assert.deepEqual(raw.reported.map(String), ['TypeError: close'])
  })

  test('a service’s handler may close at once, or refuse with an error of the table', async () => {
    const { hub, reported } = emptyHub()
    const closing = connectTo(rawService((connection) => connection.close(4500, 'not you')), hub)
    const refusing = connectTo(
      rawService(() => {
        throw new RotundaError('unauthenticated', 'who are you?')
      }),
      hub,
    )
    assert.deepEqual([closing.closedWith, refusing.closedWith], [[4500, 'not you'], [4401, 'who are you?']])
    await settled()
    assert.deepEqual([hub.companions.size, reported], [0, []])
    await hub.close()
  })
})
