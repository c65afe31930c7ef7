import { endOfTurn } from '../hub/mod.ts'
import type { Page } from './view.ts'

/** Work done in one turn of the event loop: looks at sessions and at rooms of sessions. */
const SLICE = 1_000
/** Rows of a page. */
export const PAGE_ROWS = 50
/** Pages that can be turned to. What is beyond is found by searching. */
const MOST_PAGES = 200

/** Looks at all of something, in pieces between which the server does its work. */
export async function scan<T>(all: Iterable<T>, look: (one: T) => void, costOf: (one: T) => number): Promise<void> {
  let left = SLICE
  for (const one of all) {
    look(one)
    left -= costOf(one)
    if (left > 0) continue
    await endOfTurn()
    left = SLICE
  }
}

/** What rows are sorted by. */
export type Key = string | number

interface Ranked<T> {
  readonly item: T
  readonly key: Key
  readonly place: number
}

/** One page of what it is given, sorted, and never much more of it than that page needs. */
export class Ranking<T> {
  readonly #descending: boolean
  readonly #page: number
  readonly #most: number
  #kept: Ranked<T>[] = []
  #isSorted = false
  #total = 0

  constructor(page: number, descending: boolean) {
    this.#page = Math.min(Math.max(page, 0), MOST_PAGES - 1)
    this.#descending = descending
    this.#most = (this.#page + 1) * PAGE_ROWS
  }

  add(item: T, key: Key): void {
    const ranked = { item, key, place: this.#total++ }
    if (this.#isSorted && this.#compare(ranked, this.#kept[this.#most - 1]!) > 0) return
    this.#kept.push(ranked)
    if (this.#kept.length < this.#most * 2) return
    this.#cut()
    this.#isSorted = true
  }

  /** The page, or the last one there is. */
  page<Row>(rowOf: (item: T) => Row): Page<Row> {
    this.#cut()
    const pages = Math.min(Math.max(Math.ceil(this.#total / PAGE_ROWS), 1), MOST_PAGES)
    const page = Math.min(this.#page, pages - 1)
    const items = this.#kept.slice(page * PAGE_ROWS, (page + 1) * PAGE_ROWS)
    return { rows: items.map(({ item }) => rowOf(item)), total: this.#total, page, pages }
  }

  #cut(): void {
    this.#kept.sort((one, other) => this.#compare(one, other))
    this.#kept.length = Math.min(this.#kept.length, this.#most)
  }

  #compare(one: Ranked<T>, other: Ranked<T>): number {
    const order = one.key < other.key ? -1 : one.key > other.key ? 1 : 0
    if (order === 0) return one.place - other.place
    return this.#descending ? -order : order
  }
}
