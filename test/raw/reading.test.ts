import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type RawConnection, RotundaError } from '../../src/mod.ts'
import type { Frame } from '../../src/protocol/codec.ts'
import { connected } from './raw_peer.ts'

const code = (expected: string) => (error: unknown) => error instanceof RotundaError && error.code === expected

describe('P8 reading a raw connection', () => {
  test('reads that wait are served in the order they were asked, and so are frames', async () => {
    await using raw = connected()
    const { peer, connection } = raw
    const reads = [connection.read(), connection.read()]
    peer.say('1', '2', '3')
    assert.deepEqual(await Promise.all(reads), ['1', '2'])
    assert.equal(await connection.read(), '3')
  })

  test('an empty frame is a frame', async () => {
    await using raw = connected()
    raw.peer.say('', new Uint8Array())
    assert.deepEqual([await raw.connection.read(), await raw.connection.read()], ['', new Uint8Array()])
    raw.peer.say('', 'last')
    raw.peer.leave()
    const left: Frame[] = []
    for await (const frame of raw.connection) left.push(frame)
    assert.deepEqual(left, ['', 'last'])
  })

  test('who gave up, or was given up on, takes no frame from the next', async () => {
    await using raw = connected()
    const { peer, connection } = raw
    const giveUp = new AbortController()
    const aborted = connection.read({ signal: giveUp.signal })
    const late = connection.read({ timeout: 1 })
    const patient = connection.read({ timeout: 60_000, signal: new AbortController().signal })
    giveUp.abort('why')
    await assert.rejects(aborted, (error: RotundaError) => error.code === 'aborted' && error.cause === 'why')
    await assert.rejects(late, { message: 'Nothing arrived within 1 ms.' })
    peer.say('1', '2')
    assert.deepEqual([await patient, await connection.read({ timeout: 0 })], ['1', '2'])
    await assert.rejects(connection.read({ signal: giveUp.signal }), code('aborted'))
    await assert.rejects(connection.read({ timeout: 0 }), code('timeout'))
  })

  test('a timeout that is none is refused', async () => {
    await using raw = connected()
    for (const timeout of [-1, NaN]) {
      await assert.rejects(raw.connection.read({ timeout }), { message: /it must be a number of milliseconds from 0/ })
    }
    const forever = [Infinity, 2 ** 40].map((timeout) => raw.connection.read({ timeout }))
    raw.peer.say('1', '2')
    assert.deepEqual(await Promise.all(forever), ['1', '2'])
  })

  test('what a client sent before it left can be read, then there is no more', async () => {
    await using raw = connected()
    const { peer, connection } = raw
    peer.say('1', '2')
    peer.leave(4321, 'why')
    assert.equal(connection.state, 'closed')
    assert.deepEqual([await connection.read(), await connection.read()], ['1', '2'])
    await assert.rejects(connection.read(), { code: 'closed', message: 'The connection was closed with 4321: why' })
  })

  test('who waits is told of the end, and what waits is dropped, when this side closes', async () => {
    await using raw = connected()
    const { peer, connection } = raw
    const waiting = connection.read()
    connection.close(4322)
    await assert.rejects(waiting, { code: 'closed', message: 'The connection was closed with 4322.' })
    await using other = connected()
    other.peer.say('1')
    other.connection.close()
    other.peer.say('2')
    await assert.rejects(other.connection.read(), code('closed'))
    assert.deepEqual([other.connection.metrics.framesIn, peer.closedWith], [1, [4322, '']])
  })

  test('a loop that is left leaves the connection, and what comes next, to others', async () => {
    await using raw = connected()
    const { peer, connection } = raw
    peer.say('1', '2', '3')
    for await (const frame of connection) if (frame === '2') break
    assert.deepEqual([connection.state, await connection.read()], ['open', '3'])
  })

  test('two loops share the frames, each given once', async () => {
    const seen: Frame[] = []
    const loop = async (connection: RawConnection) => {
      for await (const frame of connection) seen.push(frame)
    }
    await using raw = connected()
    const loops = [loop(raw.connection), loop(raw.connection)]
    for (let i = 0; i < 100; i++) {
      raw.peer.say(`${i}`)
      if (i % 3 === 0) await Promise.resolve()
    }
    raw.peer.leave()
    await Promise.all(loops)
    assert.deepEqual(seen.toSorted((a, b) => Number(a) - Number(b)), Array.from({ length: 100 }, (_, i) => `${i}`))
  })

  test('the order of many frames is kept, whoever takes them', async () => {
    await using raw = connected(undefined, { limits: { maxInboundQueue: 20_000 } })
    const { peer, connection } = raw
    const seen: Frame[] = []
    const sent = Array.from({ length: 20_000 }, (_, i) => `${i}`)
    peer.say(...sent.slice(0, 10_000))
    for (let i = 0; i < 5_000; i++) seen.push(await connection.read())
    const stop = connection.onData((_, frame) => {
      seen.push(frame)
      if (frame === '8000') stop()
    })
    peer.say(...sent.slice(10_000))
    peer.leave()
    while (seen.length <= 8_000) await Promise.resolve()
    for await (const frame of connection) seen.push(frame)
    assert.deepEqual(seen, sent)
  })
})
