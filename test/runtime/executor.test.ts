import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Executor } from '../../src/mod.ts'

describe('the executor (A2)', () => {
  test('owns a task until it ends, however it ends', async () => {
    const executor = new Executor()
    const { promise, resolve } = Promise.withResolvers<number>()
    const running = executor.run(() => promise)
    const failing = executor.run(() => Promise.reject(new Error('no')))
    assert.equal(executor.size, 2)
    await assert.rejects(failing, /no/)
    assert.equal(executor.size, 1)
    resolve(5)
    assert.equal(await running, 5)
    assert.equal(await executor.idle(), true)
    await executor.stop()
  })

  test('stop refuses new work, cancels timers and waits for what was begun', async () => {
    const executor = new Executor()
    const { promise, resolve } = Promise.withResolvers<void>()
    let ended = false
    void executor.run(() => promise.then(() => ended = true))
    executor.every(1, () => assert.fail('an interval outlived the executor'))
    executor.after(1, () => assert.fail('a timer outlived the executor'))
    const stopping = executor.stop()
    assert.equal(executor.signal.aborted, true)
    assert.throws(() => executor.run(() => Promise.resolve()), { code: 'shutting_down' })
    assert.throws(() => executor.every(1, () => {}), { code: 'shutting_down' })
    assert.throws(() => executor.after(1, () => {}), { code: 'shutting_down' })
    assert.equal(ended, false)
    resolve()
    await stopping
    assert.equal(ended, true)
    await executor.stop()
  })

  test('idle gives up after its time', async () => {
    const executor = new Executor()
    const { promise, resolve } = Promise.withResolvers<void>()
    void executor.run(() => promise)
    assert.equal(await executor.idle(5), false)
    resolve()
    assert.equal(await executor.idle(5_000), true)
  })

  test('timers run until they are cancelled', async () => {
    const executor = new Executor()
    let ticks = 0
    await new Promise<void>((resolve) => {
      const cancel = executor.every(1, () => {
        ticks += 1
        if (ticks < 3) return
        cancel()
        executor.after(10, resolve)
      })
    })
    assert.equal(ticks, 3)
    await executor.stop()
  })
})
