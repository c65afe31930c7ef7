import type { Distribution } from '../../src/mod.ts'

/** One line of the text format. */
export interface Sample {
  readonly labels: Readonly<Record<string, string | number>>
  readonly value: number
  /** Follows the family's name, as `_bucket` does in a histogram. */
  readonly suffix?: string
}

/** Metrics of one name. `Source` is what they are read from. */
export interface Family<Source> {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram' | 'summary'
  readonly help: string
  read(source: Source): readonly Sample[] | Promise<readonly Sample[]>
}

/** The label value of what has none of the known ones. */
export const OTHER = 'other'

/** @param read Undefined where there is nothing to tell. */
export function counter<S>(name: string, help: string, read: (source: S) => number | undefined): Family<S> {
  return { name, type: 'counter', help, read: (source) => samplesOf(read(source)) }
}

/** @param read Undefined where there is nothing to tell. */
export function gauge<S>(name: string, help: string, read: (source: S) => number | undefined): Family<S> {
  return { name, type: 'gauge', help, read: (source) => samplesOf(read(source)) }
}

function samplesOf(value: number | undefined): Sample[] {
  return value === undefined ? [] : [{ labels: {}, value }]
}

/**
 * A counter for each of a known set of label values, all of them there from the start: Prometheus does not see the first
 * increase of one that appears with it. What is counted under any other value is added up as {@link OTHER}.
 */
export function counterBy<S>(
  name: string,
  help: string,
  label: string,
  known: readonly string[],
  read: (source: S) => Readonly<Record<string, number>>,
): Family<S> {
  const samples = (source: S): Sample[] => {
    const counts = new Map(known.map((value) => [value, 0]))
    for (const [found, count] of Object.entries(read(source))) {
      const value = counts.has(found) ? found : OTHER
      counts.set(value, (counts.get(value) ?? 0) + count)
    }
    return [...counts].map(([value, count]) => ({ labels: { [label]: value }, value: count }))
  }
  return { name, type: 'counter', help, read: samples }
}

/** @param unit What one unit of the distribution is in that of the name: 0.001 for milliseconds in seconds. */
export function histogram<S>(name: string, help: string, unit: number, read: (source: S) => Distribution): Family<S> {
  return { name, type: 'histogram', help, read: (source) => bucketsOf(read(source), unit) }
}

function bucketsOf({ bounds, counts, sum, count }: Distribution, unit: number): Sample[] {
  let upTo = 0
  const buckets = bounds.map((bound, i): Sample => {
    upTo += counts[i]!
    return { suffix: '_bucket', labels: { le: scaled(bound, unit) }, value: upTo }
  })
  return [
    ...buckets,
    { suffix: '_bucket', labels: { le: '+Inf' }, value: count },
    { suffix: '_sum', labels: {}, value: sum * unit },
    { suffix: '_count', labels: {}, value: count },
  ]
}

/** As people write it: 0.0025 and not 0.0024999999999999996, which would be another bucket. */
function scaled(bound: number, unit: number): number {
  return Number((bound * unit).toPrecision(12))
}
