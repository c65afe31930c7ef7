import type { Executor, Hub } from '../hub/mod.ts'
import type { Next, RotundaServer, RouteOptions, ServeOptions } from '../http/mod.ts'
import type { Contract } from '../protocol/contract.ts'
import { RotundaError } from '../protocol/errors.ts'

/** How long the executor's tasks may take to end in the shutdown, in milliseconds. */
const EXECUTOR_GRACE = 10_000

/** An HTTP application: a Hono app, or anything with its `fetch`. */
export interface HttpApp<Context> {
  readonly fetch: Next<Context>
  /** Where the application can tell that it is shutting down, rotunda stops with it. */
  onShutdown?(callback: () => void): void
}

/** What a runtime's adapter provides: the modules `rotunda/bun` and `rotunda/deno` are such hosts. */
export interface RuntimeHost<Context> {
  serve<C extends Contract, M>(hub: Hub<C, M>, options: ServeOptions<Context>): RotundaServer
  serveHttp(fetch: Next<Context>, options: { port?: number; hostname?: string }): RotundaServer
}

/** What is put together, and where it listens. */
export interface AttachOptions<C extends Contract, M, Context> {
  readonly http: HttpApp<Context>
  readonly hub: Hub<C, M>
  /** The executor the hub was made with; stopped last. */
  readonly executor: Executor
  readonly host: RuntimeHost<Context>
  /** Port of the HTTP application. Default 8080. */
  readonly port?: number
  /** Port of the WebSocket side, when it is to have one of its own. Default: the HTTP application's. */
  readonly websocketPort?: number
  readonly hostname?: string
  /** Where the WebSocket side has its endpoints. */
  readonly routes?: RouteOptions
  /** Seconds within which clients are told to come back when all stops. Default 0: at once. */
  readonly drain?: number
}

/** What the shutdown callback holds: enough to stop, and not the runtime itself. */
interface ShutdownState {
  stopRequested: boolean
  websocketStop: Promise<void> | undefined
  stopWebsocket: () => Promise<void>
}

/**
 * An HTTP application and a hub as one application, with one executor and one shutdown.
 *
 * Made, it has started the WebSocket side; `listen` starts the HTTP side. Stopping has two halves: `requestStop`, which
 * never waits and may be called from anywhere, and `finalizeShutdown`, which waits until everything has ended.
 *
 * @example
 * ```ts
 * import * as bun from 'rotunda/bun'
 *
 * const executor = new Executor()
 * const hub = createHub({ protocol: chat, executor })
 * await using runtime = attachRuntime({ http: app, hub, executor, host: bun, port: 8080, websocketPort: 9090 })
 * runtime.listen()
 * await new Promise<void>((resolve) => process.once('SIGTERM', resolve))
 * ```
 */
export class AttachedRuntime<C extends Contract, M, Context> implements AsyncDisposable {
  /** The server of the WebSocket side; with one port, of everything. */
  readonly websocket: RotundaServer
  readonly #options: AttachOptions<C, M, Context>
  readonly #state: ShutdownState
  #http: RotundaServer | undefined
  #finalized: Promise<void> | undefined

  constructor(options: AttachOptions<C, M, Context>) {
    const { http, hub, host, port = 8080, websocketPort, hostname, routes, drain = 0 } = options
    if (websocketPort === port && port !== 0) {
      throw new RotundaError(
        'invalid_config',
        `websocketPort is ${websocketPort}, as is port; leave websocketPort out to use one port for both.`,
      )
    }
    this.#options = options
    const where = { ...routes, port: websocketPort ?? port, ...(hostname === undefined ? {} : { hostname }) }
    const own = websocketPort !== undefined
    const websocket = host.serve(
      hub,
      own ? where : { ...where, fetch: (request, context) => http.fetch(request, context) },
    )
    this.websocket = websocket
    this.#state = {
      stopRequested: false,
      websocketStop: undefined,
      stopWebsocket: () => websocket.stop({ drain }),
    }
    http.onShutdown?.(this.shutdownCallback())
  }

  /** Starts the HTTP side; with one port it listens already. */
  listen(): RotundaServer {
    const { http, host, port = 8080, websocketPort, hostname } = this.#options
    if (websocketPort === undefined) return this.websocket
    if (this.#state.stopRequested) throw new RotundaError('shutting_down', 'The runtime is stopping; it cannot listen.')
    const fetch: Next<Context> = (request, context) => http.fetch(request, context)
    return this.#http ??= host.serveHttp(fetch, { port, ...(hostname === undefined ? {} : { hostname }) })
  }

  get stopRequested(): boolean {
    return this.#state.stopRequested
  }

  /** Starts stopping the WebSocket side and returns at once. Idempotent; safe in callbacks and signal handlers. */
  requestStop(): void {
    requestStop(this.#state)
  }

  /** A function that does what `requestStop` does without keeping the runtime alive. */
  shutdownCallback(): () => void {
    const state = this.#state
    return () => requestStop(state)
  }

  /**
   * Stops the WebSocket side, then the HTTP side, then the executor, and resolves when all have ended. A step that fails
   * does not keep the next from being taken. Runs once; further calls get the same promise.
   * @throws {AggregateError} with what failed.
   */
  finalizeShutdown(): Promise<void> {
    return this.#finalized ??= this.#finalize()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.finalizeShutdown()
  }

  async #finalize(): Promise<void> {
    requestStop(this.#state)
    const steps = [
      () => this.#state.websocketStop,
      () => this.#http?.stop(),
      () => stopExecutor(this.#options.executor),
    ]
    const failures: unknown[] = []
    for (const step of steps) {
      try {
        await step()
      } catch (failure) {
        failures.push(failure)
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, `${failures.length} steps of the shutdown failed.`)
  }
}

async function stopExecutor(executor: Executor): Promise<void> {
  if (await executor.stop(EXECUTOR_GRACE)) return
  throw new RotundaError('timeout', `${executor.size} tasks of the executor did not end within ${EXECUTOR_GRACE} ms.`)
}

function requestStop(state: ShutdownState): void {
  if (state.stopRequested) return
  state.stopRequested = true
  // Started in its own turn, so that nothing of it runs inside the caller's callback.
  state.websocketStop = Promise.resolve().then(state.stopWebsocket)
  // Told by `finalizeShutdown`; until then nobody listens.
  state.websocketStop.catch(() => {})
}

/**
 * Puts an HTTP application and a hub together; see {@link AttachedRuntime}.
 * @throws {RotundaError} `invalid_config` when a port cannot be used.
 */
export function attachRuntime<C extends Contract, M, Context>(
  options: AttachOptions<C, M, Context>,
): AttachedRuntime<C, M, Context> {
  return new AttachedRuntime(options)
}

/**
 * Serves an HTTP application and a hub: `attachRuntime`, and `listen` at once.
 * @throws {RotundaError} `invalid_config` when a port cannot be used; what was started before is stopped again.
 */
export function serveHttpAndWs<C extends Contract, M, Context>(
  options: AttachOptions<C, M, Context>,
): AttachedRuntime<C, M, Context> {
  const runtime = new AttachedRuntime(options)
  try {
    runtime.listen()
  } catch (error) {
    runtime.requestStop()
    throw error
  }
  return runtime
}
