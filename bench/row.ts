import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Commands, Remote, type Runtime } from './support/remote.ts'

/** One pair of measurements of the same thing: the product's, and what it is held against. */
export interface Pair {
  readonly product: number
  readonly limit: number
}

/** What a row found. */
export interface Result {
  readonly pairs: readonly Pair[]
  /** Said below the table. */
  readonly notes?: readonly string[]
}

/** One row of the table. */
export interface Row {
  /** What a filter given on the command line is looked for in. */
  readonly name: string
  readonly work: string
  readonly against: string
  readonly unit: string
  /** The ratio of product to limit must be at most, or at least, this. */
  readonly required: { readonly atMost: number } | { readonly atLeast: number }
  measure(scene: Scene): Promise<Result>
}

/** What a row starts and uses; all of it is gone when the row is done. */
export class Scene {
  readonly #remotes: Remote<Commands>[] = []
  #directory: string | undefined

  start<C extends Commands>(file: string, options?: unknown, runtime?: Runtime, isLast?: boolean): Remote<C> {
    const remote = new Remote<C>(file, options, runtime, isLast)
    this.#remotes.push(remote as unknown as Remote<Commands>)
    return remote
  }

  /** URL of a database file of this row. */
  async database(name: string): Promise<string> {
    this.#directory ??= await mkdtemp(join(tmpdir(), 'rotunda-bench-'))
    return `file:${join(this.#directory, `${name}.db`)}`
  }

  progress(text: string): void {
    console.error(`  ${text}`)
  }

  async end(): Promise<void> {
    await Promise.all(this.#remotes.map((remote) => remote.stop()))
    if (this.#directory !== undefined) await rm(this.#directory, { recursive: true, force: true })
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
