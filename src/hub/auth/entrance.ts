import { RotundaError } from '../../protocol/errors.ts'
import type { Executor } from '../executor.ts'
import type { Limits } from '../limits.ts'
import { addressKey, checkTrustProxy, clientAddress, requestedHost } from './address.ts'
import { Buckets, REFILL } from './bucket.ts'
import { type OriginList, Origins } from './origins.ts'

/** How long `authenticate` and `metadata` may take together, in milliseconds. */
const PATIENCE = 10_000

/** What an entrance goes by. */
export interface EntranceOptions {
  readonly origins?: OriginList | undefined
  readonly trustProxy?: boolean | number | undefined
}

/** A request that wants in. */
export interface Passing {
  /** The address of the peer, as the runtime tells it. Asked for only where it matters. */
  readonly addressOf?: (() => string) | undefined
  /** Origins that are allowed beside those of the hub; any, where browsers keep the answer from pages that may not see it. */
  readonly origins?: ReadonlySet<string> | 'any' | undefined
  /** Whether it opens a connection or session, rather than asking once. */
  readonly opens?: boolean | undefined
}

/** What everybody passes who wants into a hub, or a raw service beside it: origins, and what one address may do. */
export class Entrance {
  readonly origins: Origins
  readonly #hops: number
  readonly #limits: Limits
  readonly #executor: Executor
  readonly #now: () => number
  readonly #byAddress = new Map<string, number>()
  readonly #handshakes: Buckets
  #pending = 0

  /**
   * @param now Milliseconds of a clock that does not go back.
   * @throws {RotundaError} `invalid_config`
   */
  constructor(options: EntranceOptions, limits: Limits, executor: Executor, now: () => number) {
    this.origins = new Origins(options.origins)
    this.#hops = checkTrustProxy(options.trustProxy)
    this.#limits = limits
    this.#executor = executor
    this.#now = now
    this.#handshakes = new Buckets(limits.maxHandshakesPerAddress, now())
  }

  /** Requests that `authenticate` or `metadata` has not answered for. */
  get pending(): number {
    return this.#pending
  }

  /** Addresses that something is remembered of. */
  get addresses(): number {
    return this.#byAddress.size + this.#handshakes.size
  }

  /**
   * Lets a request pass as far as it can be judged without knowing who sends it, and gives its address where that matters.
   * @throws {RotundaError} `forbidden`, `connection_limit`, `quota_exceeded`
   */
  pass(request: Request, { addressOf, origins, opens = false }: Passing): string | undefined {
    const { headers } = request
    if (origins !== 'any') this.origins.check(headers.get('origin'), requestedHost(headers, this.#hops), origins)
    const { maxConnectionsPerAddress, maxHandshakesPerAddress } = this.#limits
    if (this.#hops === 0 && maxConnectionsPerAddress === 0 && maxHandshakesPerAddress === 0) return undefined
    const address = this.addressOf(request, addressOf)
    if (!opens || address === '') return address
    if (maxHandshakesPerAddress > 0 && !this.#handshakes.take(addressKey(address), this.#now())) {
      throw new RotundaError(
        'quota_exceeded',
        `More than ${maxHandshakesPerAddress} handshakes of one address in ${REFILL / 1000} s; try later.`,
      )
    }
    const refusal = this.refusal(address)
    if (refusal !== undefined) throw refusal
    return address
  }

  /** The address of who asks; empty where it is not known. */
  addressOf({ headers }: Request, peerOf: (() => string) | undefined): string {
    return clientAddress(headers, peerOf?.() ?? '', this.#hops)
  }

  /** Why an address may not have another connection; undefined when it may. */
  refusal(address: string): RotundaError | undefined {
    const { maxConnectionsPerAddress } = this.#limits
    if (maxConnectionsPerAddress === 0 || address === '') return undefined
    if ((this.#byAddress.get(addressKey(address)) ?? 0) < maxConnectionsPerAddress) return undefined
    return new RotundaError(
      'connection_limit',
      `One address may have ${maxConnectionsPerAddress} connections; try later.`,
    )
  }

  /** A connection of this address begins. */
  entered(address: string): void {
    if (this.#limits.maxConnectionsPerAddress === 0 || address === '') return
    const key = addressKey(address)
    this.#byAddress.set(key, (this.#byAddress.get(key) ?? 0) + 1)
  }

  /** A connection that had begun has ended. */
  left(address: string): void {
    const key = addressKey(address)
    const count = this.#byAddress.get(key)
    if (count === undefined) return
    if (count > 1) this.#byAddress.set(key, count - 1)
    else this.#byAddress.delete(key)
  }

  /**
   * Does what has to be found out about somebody, of whom only so many may wait for it and not for ever. Stays
   * synchronous as long as that does.
   * @throws {RotundaError} `overloaded`; as rejection `timeout`, or what `work` throws.
   */
  run<T>(work: () => T | Promise<T>): T | Promise<T> {
    const { maxPendingHandshakes } = this.#limits
    if (this.#pending >= maxPendingHandshakes) {
      throw new RotundaError('overloaded', `${maxPendingHandshakes} handshakes wait already; try later.`)
    }
    const result = work()
    return result instanceof Promise ? this.#inTime(result) : result
  }

  #inTime<T>(result: Promise<T>): Promise<T> {
    this.#pending += 1
    return new Promise<T>((resolve, reject) => {
      let cancel = () => {}
      result.then(resolve, reject).then(() => cancel())
      const late = () => reject(new RotundaError('timeout', `Who asks was not found out within ${PATIENCE / 1000} s.`))
      cancel = this.#executor.after(PATIENCE, late)
    }).finally(() => this.#pending -= 1)
  }
}
