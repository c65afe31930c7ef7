import assert from 'node:assert/strict'
import { join } from 'node:path'
import test from 'node:test'
import { libsqlStore } from '../../adapters/libsql/mod.ts'
import { assertOrdered, readAll } from '../conformance/store_messages.ts'
import { type Child, startChild } from '../support/child.ts'
import { tempDir } from '../support/temp_dir.ts'

type Ack = [payload: string, id: string, seq: number]

interface Line {
  readonly epoch?: string
  readonly acks?: Ack[]
}

async function collect(
  child: Child,
  onAck: (count: number) => void = () => {},
): Promise<{ epoch: string; acks: Ack[] }> {
  const acks: Ack[] = []
  let epoch = ''
  for await (const line of child.lines) {
    const told = JSON.parse(line) as Line
    if (told.epoch !== undefined) epoch = told.epoch
    if (told.acks === undefined) continue
    acks.push(...told.acks)
    onAck(acks.length)
  }
  return { epoch, acks }
}

async function assertStored(url: string, acks: Ack[]): Promise<number> {
  const store = await libsqlStore({ url, worker: false })
  try {
    const all = await readAll(store)
    assertOrdered(all)
    const byId = new Map(all.map((stored) => [stored.id, stored]))
    for (const [payload, id, seq] of acks) {
      assert.deepEqual([byId.get(id)?.payload, byId.get(id)?.seq], [payload, seq], `acked message ${payload}`)
    }
    assert.equal(new Set(all.map(({ payload }) => payload)).size, all.length)
    return all.length
  } finally {
    await store.close()
  }
}

test('I2 two processes on one new file: one epoch, no hole, no double, every ack true', async () => {
  const dir = await tempDir()
  const url = `file:${join(dir.path, 'new', 'rotunda.db')}`
  const children = ['a', 'b'].map((name) => startChild('./appender.ts', url, name, '40'))
  try {
    const told = await Promise.all(children.map((child) => collect(child)))
    for (const child of children) assert.deepEqual(await child.ended, { code: 0, signal: null, stderr: '' })
    assert.notEqual(told[0]?.epoch, '')
    assert.equal(told[0]?.epoch, told[1]?.epoch)
    const acks = told.flatMap((one) => one.acks)
    assert.equal(acks.length, 1600)
    assert.equal(await assertStored(url, acks), 1600)
  } finally {
    for (const child of children) child.process.kill('SIGKILL')
    await dir.remove()
  }
})

test('L4 every message acked before kill -9 is in the log when it is opened again', async () => {
  const dir = await tempDir()
  const url = `file:${join(dir.path, 'rotunda.db')}`
  const acks: Ack[] = []
  const epochs = new Set<string>()
  try {
    for (let round = 1; round <= 4; round++) {
      const child = startChild('./appender.ts', url, `round ${round}`, '1000000')
      const told = await collect(child, (count) => {
        if (count >= round * 140) child.process.kill('SIGKILL')
      })
      assert.equal((await child.ended).signal, 'SIGKILL')
      acks.push(...told.acks)
      epochs.add(told.epoch)
      const stored = await assertStored(url, acks)
      assert.ok(stored >= acks.length)
      assert.equal(stored % 20, 0, 'a batch is there whole or not at all')
    }
    assert.equal(epochs.size, 1)
  } finally {
    await dir.remove()
  }
})
