import type { Contract } from '../protocol/contract.ts'
import { RotundaError } from '../protocol/errors.ts'
import { jsonCodec } from '../protocol/json_codec.ts'
import { memoryStore } from '../storage/memory_store.ts'
import { Application } from './application.ts'
import { Admissions } from './auth/admissions.ts'
import { authRequests } from './auth/auth_request.ts'
import { Entrance } from './auth/entrance.ts'
import { Identities } from './auth/identities.ts'
import { Companions } from './companions.ts'
import { HubCore } from './core.ts'
import { Counted } from './counted.ts'
import { Definitions } from './definitions.ts'
import { Dispatch } from './dispatch.ts'
import { Executor } from './executor.ts'
import { Handlers } from './handlers.ts'
import type { HubOptions } from './hub_options.ts'
import { Lifecycle } from './lifecycle.ts'
import { checkLimits } from './limits.ts'
import { fromLevel, type Logger } from './logger.ts'
import { checkPresence } from './presence/presence_options.ts'
import { presenceRequests } from './presence/presence_requests.ts'
import { meter } from './quota/meter.ts'
import { ReservedRequests } from './reserved_requests.ts'
import { TypeCounts } from './type_metrics.ts'

/** The parts of a hub, put together. */
export interface HubParts<C extends Contract, M> {
  readonly node: string
  readonly core: HubCore<C, M>
  readonly handlers: Handlers<C, M>
  readonly lifecycle: Lifecycle<C, M>
  readonly admissions: Admissions<M>
  readonly identities: Identities<C, M>
  readonly reserved: ReservedRequests<C, M>
  readonly typeCounts: TypeCounts | undefined
  readonly companions: Companions
  readonly logger: Logger
}

/** @throws {RotundaError} `invalid_config`, naming the setting. */
export function assemble<C extends Contract, M, S>(options: HubOptions<C, M, S>): HubParts<C, M> {
  if (typeof options?.protocol?.definitions !== 'object') {
    throw new RotundaError('invalid_config', 'createHub needs a "protocol" made with defineProtocol({…}).')
  }
  const limits = checkLimits(options.limits)
  const node = options.node ?? crypto.randomUUID()
  const executor = options.executor ?? new Executor()
  const logger = fromLevel(options.logger ?? console, options.logLevel ?? 'warn')
  const stop = new AbortController()
  const handlers = new Handlers<C, M>(logger)
  const core = new HubCore<C, M>({
    store: options.store ?? memoryStore(),
    definitions: new Definitions(options.protocol),
    authorize: options.authorize,
    encrypted: options.encrypted,
    retention: options.retention,
    retentionInterval: options.retentionInterval,
    state: options.state,
    countTypes: options.countTypes ?? false,
    tracing: options.tracing,
    presence: { settings: checkPresence(options.presence), broker: options.broker, node },
    limits,
    executor,
    signal: stop.signal,
    report: (error) => {
      if (!stop.signal.aborted) handlers.report(error)
    },
  })
  const entrance = new Entrance(options, limits, executor, () => performance.now())
  const admissions = new Admissions<M>(options, entrance, limits)
  const identities = new Identities(core, admissions)
  const reserved = new ReservedRequests<C, M>(new Map([...presenceRequests<C, M>(), ...authRequests(identities)]))
  const typeCounts = options.countTypes === true ? new TypeCounts() : undefined
  const application = new Application(core, handlers, reserved)
  const counted = typeCounts === undefined ? application : new Counted(application, typeCounts)
  const handler = meter(counted, options, {
    core,
    logger,
    signal: stop.signal,
    bringsRules: admissions.isKnowing,
  })
  const companions = new Companions(executor, limits)
  const lifecycle = new Lifecycle(core, handlers, new Dispatch(handler, limits, executor), {
    identities,
    node,
    stop,
    ownExecutor: options.executor === undefined ? executor : undefined,
    codecs: [jsonCodec, ...options.codecs ?? []],
    companions,
    logger,
  })
  return { node, core, handlers, lifecycle, admissions, identities, reserved, typeCounts, companions, logger }
}
