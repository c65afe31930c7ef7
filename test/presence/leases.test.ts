import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { NodeLeases } from '../../src/hub/presence/node_leases.ts'
import { FakeExecutor } from '../support/fake_executor.ts'

function setUp() {
  const time = new FakeExecutor()
  const told: string[] = []
  const leases = new NodeLeases(time, 15_000, {
    tick: () => {},
    beat: () => told.push('beat'),
    probe: (instance) => told.push(`probe ${instance}`),
    lost: (instance) => told.push(`lost ${instance}`),
  })
  const heard = (instance: string, node = instance) => leases.heard({ node, instance }, 5_000)
  const since = () => told.splice(0).filter((line) => line !== 'beat')
  return { time, told, leases, heard, since }
}

describe('N2 the lease of a node', () => {
  test('lasts 15 s from when it was last heard of; it is asked before it ends', () => {
    const { time, heard, since } = setUp()
    assert.equal(heard('a'), true)
    time.advance(11_999)
    assert.deepEqual(since(), [])
    time.advance(1)
    assert.deepEqual(since(), ['probe a'])
    assert.equal(heard('a'), false, 'it has answered')
    time.advance(14_999)
    assert.deepEqual(since(), ['probe a'])
    time.advance(1)
    assert.deepEqual(since(), ['lost a'])
    assert.equal(heard('a'), true)
  })

  test('is renewed three times while it lasts', () => {
    const { time, told } = setUp()
    time.advance(15_000)
    assert.deepEqual(told, ['beat', 'beat', 'beat'])
  })

  test('is no longer than the grace when the node stops, or has begun a new life', () => {
    const { time, heard, leases, since } = setUp()
    for (const instance of ['a', 'b', 'c']) heard(instance)
    leases.shorten('a', 5_000)
    heard('b2', 'b')
    time.advance(5_000)
    assert.deepEqual(since(), ['probe a', 'probe b'])
    time.advance(1_000)
    assert.deepEqual(since(), ['lost a', 'lost b'])
    assert.deepEqual(leases.nodes, ['c', 'b2'])
    leases.shorten('nobody', 5_000)
  })

  test('of two that claim one name both last as long as they are heard of', () => {
    const { time, heard, leases } = setUp()
    heard('a1', 'a')
    heard('a2', 'a')
    for (let i = 0; i < 10; i++) {
      time.advance(4_000)
      for (const instance of ['a1', 'a2']) heard(instance, 'a')
    }
    assert.deepEqual(leases.nodes.sort(), ['a1', 'a2'])
  })

  test('is not over because we stood still: what came meanwhile is heard first', () => {
    const { time, heard, leases } = setUp()
    heard('a')
    // However late, a timer that repeats fires once.
    time.sleep(60_000)
    assert.deepEqual(leases.nodes, ['a'])
    leases.stop()
    assert.equal(time.pending, 0)
  })
})
