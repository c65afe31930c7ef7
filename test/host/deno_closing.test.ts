import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Closing } from '../../adapters/deno/closing.ts'

/** A socket of which a test says what waits in it; `closed` resolves when `close` is called. */
function standIn(): {
  socket: WebSocket
  closed: Promise<[number, string]>
  calls: () => number
  pending: (n: number) => void
} {
  let calls = 0
  const state = {
    readyState: WebSocket.OPEN as number,
    bufferedAmount: 0,
    close: (_code: number, _reason: string) => {},
  }
  const closed = new Promise<[number, string]>((resolve) => {
    state.close = (code, reason) => {
      calls += 1
      state.readyState = WebSocket.CLOSING
      resolve([code, reason])
    }
  })
  const pending = (bytes: number) => void (state.bufferedAmount = bytes)
  return { socket: state as unknown as WebSocket, closed, calls: () => calls, pending }
}

/** Long enough for a closing that does not wait to be over. */
function turns(count: number, each: () => void): Promise<void> {
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      each()
      if (--count > 0) return
      clearInterval(timer)
      resolve()
    }, 1)
  })
}

describe('a closing on Deno', () => {
  test('waits while the client talks', async () => {
    const { socket, closed, calls } = standIn()
    const closing = new Closing(socket, 4010, 'enough')
    await turns(100, () => closing.heard())
    assert.equal(calls(), 0)
    assert.deepEqual(await closed, [4010, 'enough'])
  })

  test('waits while something is still to be sent', async () => {
    const { socket, closed, calls, pending } = standIn()
    pending(1)
    const closing = new Closing(socket, 4010, 'enough')
    await turns(100, () => {})
    assert.equal(calls(), 0)
    pending(0)
    assert.deepEqual([closing.code, ...await closed], [4010, 4010, 'enough'])
  })

  test('waits no longer when it is to be finished, and closes once', async () => {
    const { socket, calls } = standIn()
    const closing = new Closing(socket, 4010, 'enough')
    closing.finish()
    assert.equal(calls(), 1)
    await turns(60, () => {})
    closing.finish()
    assert.equal(calls(), 1)
  })
})
