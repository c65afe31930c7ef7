import type { Metric, OpenMetricsContentType, Registry } from 'prom-client'
import { RotundaError } from '../../src/mod.ts'
import type { Family, Sample } from './family.ts'

/** A registry that writes either of prom-client's formats. */
export type AnyRegistry = Registry | Registry<OpenMetricsContentType>

/** A family as prom-client's registry asks for it, in the form that its own metrics answer in. */
class RegisteredFamily<Source> {
  /** Not constant: a registry that is to write OpenMetrics takes `_total` off the name. */
  name: string
  readonly help: string
  readonly type: string
  readonly aggregator = 'sum'
  readonly #family: Family<Source>
  readonly #sources: () => readonly LabelledSource<Source>[]

  constructor(family: Family<Source>, sources: () => readonly LabelledSource<Source>[]) {
    this.name = family.name
    this.help = family.help
    this.type = family.type
    this.#family = family
    this.#sources = sources
  }

  async get() {
    const { name, help, type, aggregator } = this
    const reads = this.#sources().map(async ({ labels, source }) => {
      return (await this.#family.read(source)).map((sample) => valueOf(name, labels, sample))
    })
    return { name, help, type, aggregator, values: (await Promise.all(reads)).flat() }
  }

  /** What is counted elsewhere cannot be reset from here. */
  reset(): void {}
}

/** What families are read from, and the labels that tell it from others. */
export interface LabelledSource<Source> {
  readonly labels: Readonly<Record<string, string>>
  readonly source: Source
}

function valueOf(name: string, labels: LabelledSource<unknown>['labels'], sample: Sample) {
  return { metricName: name + (sample.suffix ?? ''), labels: { ...labels, ...sample.labels }, value: sample.value }
}

/**
 * Adds families to a registry, all of them or none.
 * @param sources Called in the turn in which the registry is read.
 * @throws {RotundaError} `invalid_config` when the registry has a metric of such a name.
 */
export function registerFamilies<Source>(
  registry: AnyRegistry,
  families: readonly Family<Source>[],
  sources: () => readonly LabelledSource<Source>[],
): void {
  const taken = families.find(({ name }) => registry.getSingleMetric(name) !== undefined)
  if (taken !== undefined) {
    throw new RotundaError('invalid_config', `The registry has a metric ${taken.name} already; give it no second one.`)
  }
  // prom-client's own metrics hold what they are told; these are asked. Of a metric its registry uses no more than this.
  for (const family of families) {
    registry.registerMetric(new RegisteredFamily(family, sources) as unknown as Metric<string>)
  }
}
