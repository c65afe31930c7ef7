import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Client } from '../../src/client/mod.ts'
import { fallback, type Transport } from '../../src/client/transports/mod.ts'
import { chat } from '../../examples/chat/protocol.ts'
import { FakeClock } from '../support/fake_clock.ts'
import { FakeSocket } from '../support/fake_socket.ts'

const STABLE = 10_000

/** A client with three ways, of which a test is the other end. Its clock's chance is a half. */
function choosing() {
  const clock = new FakeClock()
  const opened: { readonly name: string; readonly socket: FakeSocket }[] = []
  const way = (name: string): Transport => ({
    name,
    open(_url, offered) {
      const socket = new FakeSocket(offered)
      opened.push({ name, socket })
      return socket as unknown as ReturnType<Transport['open']>
    },
  })
  const transports = fallback([way('a'), way('b'), way('c')], { patience: 3_000, retry: 20_000 })
  const backoff = { base: 1_000, max: 1_000 }
  const client = new Client({ url: 'ws://localhost/', protocol: chat, use: [transports], backoff }, clock)
  const last = () => opened.at(-1)!
  return {
    clock,
    client,
    transports,
    last,
    names: () => opened.map(({ name }) => name).join(''),
    fail(code = 1006) {
      last().socket.onclose!({ code, reason: '' })
      clock.advance(0)
    },
  }
}

/** Longer than any pause. */
const PAUSE = 1_000

describe('C4 of several transports a client', () => {
  test('takes the next at once where one fails, and pauses when none is left', () => {
    const { clock, names, fail } = choosing()
    fail()
    fail()
    assert.equal(names(), 'abc')
    fail()
    assert.equal(names(), 'abc')
    clock.advance(PAUSE)
    assert.equal(names(), 'abca')
  })

  test('is patient with each but the last, which has the time of an attempt', () => {
    const { clock, names } = choosing()
    clock.advance(2_999)
    assert.equal(names(), 'a')
    clock.advance(1)
    assert.equal(names(), 'ab')
    clock.advance(3_000)
    assert.equal(names(), 'abc')
    clock.advance(9_999)
    assert.equal(names(), 'abc')
    clock.advance(1 + PAUSE)
    assert.equal(names(), 'abca')
  })

  test('stays with one that has worked at its first failure, and leaves it at the second in a row', () => {
    const { clock, names, last, fail } = choosing()
    last().socket.welcome()
    clock.advance(STABLE)
    fail()
    clock.advance(PAUSE)
    assert.equal(names(), 'aa')
    fail()
    clock.advance(PAUSE)
    assert.equal(names(), 'aaa')
    fail()
    assert.equal(names(), 'aaab')
  })

  test('counts as a failure that it breaks soon after it has opened, and not that it does later', () => {
    const { clock, transports, names, last, fail } = choosing()
    for (const after of [STABLE, 100, STABLE, 100, 100]) {
      assert.equal(last().name, 'a')
      last().socket.welcome()
      assert.equal(transports.current, 'a')
      clock.advance(after)
      fail()
      assert.equal(transports.current, undefined)
      clock.advance(PAUSE)
    }
    assert.equal(names(), 'aaaaab')
  })

  test('counts it as a failure to fall silent, however late', () => {
    const { clock, names, last } = choosing()
    for (const expected of ['a', 'aa', 'aab']) {
      assert.equal(names(), expected)
      last().socket.welcome()
      clock.advance(STABLE + 5_000)
      last().socket.receive({ type: 'session.pong', payload: {} })
      clock.advance(40_000 + PAUSE)
    }
  })

  test('does not count it as a failure to be sent away, or to be asked to move', () => {
    const { clock, names, last, fail } = choosing()
    for (let times = 0; times < 3; times++) {
      last().socket.welcome()
      fail(1001)
      clock.advance(PAUSE)
      last().socket.welcome()
      last().socket.receive({ type: 'session.drain', payload: { window: 0 } })
      clock.advance(0)
    }
    assert.equal(names(), 'aaaaaaa')
  })

  test('goes back to the first when that gets through: one failure, and it is left again', async () => {
    const { clock, client, transports, names, last, fail } = choosing()
    fail()
    last().socket.welcome()
    clock.advance(15_000)
    assert.equal(names(), 'aba')
    const probe = last().socket
    probe.welcome()
    assert.ok(probe.closed)
    for (let turns = 0; turns < 10; turns++) await Promise.resolve()
    assert.equal(client.state, 'reconnecting')
    clock.advance(0)
    assert.equal(names(), 'abaa')
    fail()
    assert.equal(names(), 'abaab')
    last().socket.welcome()
    assert.equal(transports.current, 'b')
  })

  test('that is closed while it looks for a better one leaves nothing open', () => {
    const { clock, client, last, names, fail } = choosing()
    fail()
    last().socket.welcome()
    clock.advance(15_000)
    assert.equal(names(), 'aba')
    client.close()
    assert.ok(last().socket.closed)
    assert.equal(clock.pending, 0)
  })
})
