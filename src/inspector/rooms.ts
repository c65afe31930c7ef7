import type { Inspection } from '../hub/mod.ts'
import type { Query } from './query.ts'
import { type Key, Ranking, scan } from './scan.ts'
import type { Page, RoomRow } from './view.ts'

const KEYS: Readonly<Record<string, (row: RoomRow) => Key>> = {
  name: ({ name }) => name,
  members: ({ members }) => members,
  head: ({ head }) => head,
  rate: ({ rate }) => rate ?? -1,
}

/** Where rooms' logs ended when they were looked at. */
interface Heads {
  readonly at: number
  readonly heads: Map<string, number>
}

/** How fast rooms grow, from where their logs ended at the last two looks. */
export class RoomRates {
  #before: Heads | undefined
  #now: Heads | undefined

  async look(inspection: Inspection): Promise<void> {
    const heads = new Map<string, number>()
    const at = performance.now()
    await scan(inspection.rooms(), ({ name, head }) => void heads.set(name, head), () => 1)
    this.#before = this.#now
    this.#now = { at, heads }
  }

  /** Messages a second; null for a room that was not there to be seen twice. */
  of(name: string): number | null {
    const before = this.#before?.heads.get(name)
    const now = this.#now?.heads.get(name)
    if (before === undefined || now === undefined) return null
    return Math.max(0, now - before) / Math.max((this.#now!.at - this.#before!.at) / 1_000, 0.001)
  }

  clear(): void {
    this.#before = this.#now = undefined
  }
}

/** The page of the rooms that was asked for. */
export async function listRooms(
  inspection: Inspection,
  rates: RoomRates,
  { search, sort, descending, page }: Query,
): Promise<Page<RoomRow>> {
  const keyOf = (Object.hasOwn(KEYS, sort) ? KEYS[sort] : undefined) ?? KEYS['name']!
  const ranking = new Ranking<RoomRow>(page, descending)
  await scan(inspection.rooms(), ({ name, size, head }) => {
    if (search !== '' && !name.toLowerCase().includes(search)) return
    const row = { name, members: size, head, rate: rates.of(name) }
    ranking.add(row, keyOf(row))
  }, () => 1)
  return ranking.page((row) => row)
}
