import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { PAGE_ROWS, Ranking } from '../../src/inspector/scan.ts'
import { range } from '../support/test_hub.ts'

/** Numbers that look random and are the same each time. */
function numbers(seed: number, count: number, most: number): number[] {
  let state = seed
  return range(1, count).map(() => {
    state = (state * 48_271) % 2_147_483_647
    return state % most
  })
}

describe('a ranking', () => {
  test('gives the page that sorting everything would give, ties in the order they came', () => {
    for (const [count, most] of [[0, 1], [1, 1], [49, 9], [50, 9], [51, 3], [1_000, 7], [5_003, 1_000_000], [600, 1]]) {
      for (const descending of [false, true]) {
        for (const page of [0, 1, 3, 11, 500]) {
          const keys = numbers(count! + 1, count!, most!)
          const ranking = new Ranking<number>(page, descending)
          for (const [item, key] of keys.entries()) ranking.add(item, key)
          const sorted = keys.map((key, item) => ({ key, item }))
            .sort((a, b) => (descending ? b.key - a.key : a.key - b.key) || a.item - b.item).map(({ item }) => item)
          const shown = ranking.page((item) => item)
          const pages = Math.max(1, Math.ceil(count! / PAGE_ROWS))
          assert.equal(shown.total, count)
          assert.equal(shown.page, Math.min(page, pages - 1, 199))
          assert.deepEqual(shown.rows, sorted.slice(shown.page * PAGE_ROWS, (shown.page + 1) * PAGE_ROWS))
        }
      }
    }
  })

  test('sorts texts too', () => {
    const ranking = new Ranking<string>(0, false)
    for (const name of ['b', 'a', 'c', 'B']) ranking.add(name, name)
    assert.deepEqual(ranking.page((name) => name).rows, ['B', 'a', 'b', 'c'])
  })
})
