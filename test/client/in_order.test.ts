import { test } from 'node:test'
import assert from 'node:assert/strict'
import { InOrder } from '../../src/client/in_order.ts'

/** Adds a failing entry, and a good one so many microtasks later; gives the order in which they were over. */
async function failureThenSuccess(microtasks: number): Promise<string[]> {
  const order = new InOrder()
  const over: string[] = []
  const failed = () => over.push('failed')
  order.add(() => Promise.reject(new Error('refused')), () => over.push('taken'), failed)
  for (let i = 0; i < microtasks; i++) await undefined
  await new Promise<void>((resolve) => order.add(() => 'next', (value) => resolve(void over.push(value)), failed))
  return over
}

test('what is added in any microtask of an earlier failure comes after that failure was told', async () => {
  for (let microtasks = 0; microtasks < 20; microtasks++) {
    assert.deepEqual(await failureThenSuccess(microtasks), ['failed', 'next'], `${microtasks} microtasks later`)
  }
})

test('as soon as nothing waits any more, what is added is done at once', async () => {
  const order = new InOrder()
  const over: string[] = []
  const add = (name: string) => order.add(() => name, (value) => over.push(value), () => over.push('failed'))
  add('first')
  assert.deepEqual(over, ['first'])
  await new Promise<void>((resolve) => order.add(() => Promise.reject(new Error('refused')), () => {}, () => resolve()))
  while (order.waiting) await undefined
  add('second')
  assert.deepEqual(over, ['first', 'second'])
})
