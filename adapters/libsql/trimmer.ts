import type { Cut } from './connection.ts'

/** Most rows removed in one transaction, which takes some milliseconds: commits get their turn in between. */
export const TRIM_STEP = 1_000
/** Most rooms in one transaction. */
const MAX_CUTS = 256

interface Waiting {
  readonly cut: Cut
  readonly rows: number
  readonly resolve: (removed: number) => void
  readonly reject: (error: unknown) => void
}

/** Removes in one transaction what is to be removed of many rooms at the same time: each costs a flush of the disk. */
export class Trimmer {
  readonly #trim: (cuts: readonly Cut[]) => Promise<readonly number[]>
  #waiting: Waiting[] = []
  #running = false

  constructor(trim: (cuts: readonly Cut[]) => Promise<readonly number[]>) {
    this.#trim = trim
  }

  /** Removes a room's messages up to `through`, at most `TRIM_STEP` rows, and says how many they were. */
  remove(room: string, through: number, rows: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ cut: [room, through], rows, resolve, reject })
      if (!this.#running) void this.#run()
    })
  }

  async #run(): Promise<void> {
    this.#running = true
    while (this.#waiting.length > 0) {
      const group = this.#take()
      try {
        const removed = await this.#trim(group.map(({ cut }) => cut))
        group.forEach(({ resolve }, i) => resolve(removed[i] ?? 0))
      } catch (error) {
        for (const { reject } of group) reject(error)
      }
      // A connection in this thread answers before anything else of the event loop has had a turn.
      await new Promise((resolve) => setTimeout(resolve))
    }
    this.#running = false
  }

  #take(): Waiting[] {
    let rows = 0
    const end = this.#waiting.findIndex((waiting, i) => i === MAX_CUTS || ((rows += waiting.rows) > TRIM_STEP && i > 0))
    return this.#waiting.splice(0, end < 0 ? this.#waiting.length : end)
  }
}
