import { Registry } from 'prom-client'
import { type Next, RotundaError } from '../../src/mod.ts'
import { hubFamilies, processFamilies } from './families/mod.ts'
import { type AnyRegistry, registerFamilies } from './registered_family.ts'
import { Endpoint } from './endpoint.ts'
import { type MetricsSource, Readings } from './source.ts'

/** How the metrics of a hub are given out. */
export interface PrometheusOptions {
  /**
   * The registry of the application, for its own metrics and rotunda's in one text. Names in it that begin with
   * `rotunda_` are ours. Default: one of their own.
   */
  readonly registry?: AnyRegistry
  /**
   * Whether CPU time, memory, open files and the start of the process are told too, as `process_…`. Default: with a
   * registry of their own, since that of an application often has them from prom-client's `collectDefaultMetrics`.
   */
  readonly process?: boolean
  /** What a scrape must show as `Authorization: Bearer …`; others get 401. Default: everybody may read. */
  readonly token?: string | undefined
  /** Where the metrics are on a server. Default `/metrics`. */
  readonly path?: string
}

/** The metrics of one or several hubs. */
export interface PrometheusMetrics {
  readonly registry: AnyRegistry
  /** Of `text`: that of the text format 0.0.4, unless the registry was told to write OpenMetrics. */
  readonly contentType: string
  /** All metrics as they are now. */
  text(): Promise<string>
  /** Answers a scrape, whatever its path: 200 to GET and HEAD, 405 to others, 401 without the token. */
  answer(request: Request): Promise<Response>
  /** Answers a scrape at the path, and 404 elsewhere: for a server of its own. */
  fetch(request: Request): Promise<Response>
  /** Answers a scrape at the path, and lets `next` answer all else: for the application's server. */
  or<Context>(next: Next<Context>): Next<Context>
}

/**
 * What hubs count, for Prometheus. Everything is counted by the hubs anyway and read here at the time of a scrape.
 *
 * @param hubs One hub, or several of one process: given as an array, each of their series says by the label `node` whose
 * it is.
 * @throws {RotundaError} `invalid_config` when two hubs have one name, the path is none, the token is empty, or the
 * registry has such metrics already.
 * @example
 * ```ts
 * const metrics = prometheusMetrics(hub)
 * serveHttp(metrics.fetch, { port: 9100, hostname: '127.0.0.1' })
 * ```
 * @example On the application's server
 * ```ts
 * serve(hub, { port: 8080, fetch: metrics.or(site) })
 * app.get('/metrics', (c) => metrics.answer(c.req.raw)) // Hono
 * ```
 */
export function prometheusMetrics(
  hubs: MetricsSource | readonly MetricsSource[],
  options: PrometheusOptions = {},
): PrometheusMetrics {
  const several = isList(hubs)
  const all = several ? [...hubs] : [hubs]
  checkNames(all)
  const endpoint = new Endpoint(options, (error) => all[0]?.report(error))
  const registry = options.registry ?? new Registry()
  const readings = new Readings(all)
  registerFamilies(registry, hubFamilies, () => {
    return readings.take().map((source) => ({ labels: several ? { node: source.hub.node } : {}, source }))
  })
  if (options.process ?? options.registry === undefined) {
    registerFamilies(registry, processFamilies(), () => [{ labels: {}, source: undefined }])
  }
  const answer = (request: Request) => endpoint.answer(request, registry)
  return {
    registry,
    get contentType() {
      return registry.contentType
    },
    text: () => registry.metrics(),
    answer,
    fetch: (request) => endpoint.isAt(request) ? answer(request) : Promise.resolve(endpoint.notFound(request)),
    or: (next) => (request, context) => endpoint.isAt(request) ? answer(request) : next(request, context),
  }
}

function isList(hubs: MetricsSource | readonly MetricsSource[]): hubs is readonly MetricsSource[] {
  return Array.isArray(hubs)
}

function checkNames(hubs: readonly MetricsSource[]): void {
  const names = hubs.map(({ node }) => node)
  const twice = names.find((name, i) => names.indexOf(name) < i)
  if (twice === undefined) return
  throw new RotundaError('invalid_config', `Two hubs are called "${twice}"; tell them apart by createHub's "node".`)
}
