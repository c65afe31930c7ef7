import type { Sample } from '../view.ts'

/** A number at a time; null where it is not known. */
export interface Point {
  readonly at: number
  readonly value: number | null
}

/** Samples further apart than this have nothing between them that could be told, in milliseconds. */
const APART = 6_000

/** A number as it was at each sample. */
export function level(samples: readonly Sample[], of: (sample: Sample) => number): Point[] {
  return samples.map((sample) => ({ at: sample.at, value: of(sample) }))
}

/** How much a counter grew a second, from each sample to the next. */
export function growth(samples: readonly Sample[], of: (sample: Sample) => number): Point[] {
  return between(samples, (before, after, seconds) => {
    const grown = of(after) - of(before)
    return grown < 0 ? null : grown / seconds
  })
}

/** A quantile of what was counted from each sample to the next; null where nothing was. */
export function quantiles(
  samples: readonly Sample[],
  bounds: readonly number[],
  of: (sample: Sample) => readonly number[],
  share: number,
): Point[] {
  return between(samples, (before, after) => quantile(minus(of(after), of(before)), bounds, share))
}

/** What was counted between two readings of the same distribution. */
export function minus(after: readonly number[], before: readonly number[]): number[] {
  return after.map((value, i) => Math.max(0, value - (before[i] ?? 0)))
}

/** The value that a share of all is below, by where in its class it would be if those in it lay evenly. */
export function quantile(counts: readonly number[], bounds: readonly number[], share: number): number | null {
  const total = counts.reduce((sum, value) => sum + value, 0)
  if (total === 0) return null
  let left = total * share
  for (const [i, inside] of counts.entries()) {
    const low = bounds[i - 1] ?? 0
    const high = bounds[i]
    if (high === undefined) return low
    if (left <= inside) return low + (high - low) * (left / inside)
    left -= inside
  }
  return bounds.at(-1) ?? null
}

function between(
  samples: readonly Sample[],
  of: (before: Sample, after: Sample, seconds: number) => number | null,
): Point[] {
  return samples.slice(1).map((after, i) => {
    const before = samples[i]!
    const apart = after.at - before.at
    return { at: after.at, value: apart > APART || apart <= 0 ? null : of(before, after, apart / 1_000) }
  })
}
