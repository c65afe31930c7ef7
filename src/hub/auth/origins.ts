import { RotundaError } from '../../protocol/errors.ts'
import { quote } from '../../protocol/names.ts'

/** Pages of which origins may connect: `*` for all, or a list such as `['https://app.example.org', 'https://*.example.org']`. */
export type OriginList = '*' | readonly string[]

const WILDCARD = /^([a-z][a-z0-9+.-]*:\/\/)([^/:]+)(:\d+)?$/

/**
 * Which origins may connect. Browsers say the origin of the page in every handshake; without a look at it any page could
 * use the cookies that its visitor has here (cross-site WebSocket hijacking). What says none is no browser.
 */
export class Origins {
  readonly #isAny: boolean
  readonly #exact: ReadonlySet<string>
  readonly #patterns: readonly RegExp[]
  /** Whether there is no list: then the server's own origin alone is allowed. */
  readonly #isOwnOnly: boolean

  /** @throws {RotundaError} `invalid_config` */
  constructor(given: OriginList | undefined) {
    if (given !== undefined && given !== '*' && !Array.isArray(given)) {
      throw new RotundaError('invalid_config', `origins is ${quote(given)}; it must be "*" or a list of origins.`)
    }
    const list = given === undefined || given === '*' ? [] : given.map(checkOrigin)
    this.#isAny = given === '*' || list.includes('*')
    this.#isOwnOnly = given === undefined
    this.#exact = new Set(list.filter((origin) => !origin.includes('*')))
    this.#patterns = list.filter((origin) => origin.includes('*') && origin !== '*').map(toPattern)
  }

  /** Whether all are allowed. */
  get isAny(): boolean {
    return this.#isAny
  }

  /** Whether an origin was named by the application, itself or by a pattern. */
  names(origin: string): boolean {
    return this.#exact.has(origin) || this.#patterns.some((pattern) => pattern.test(origin))
  }

  /**
   * @param host The host that the request was sent to.
   * @param more Further origins that are allowed.
   * @throws {RotundaError} `forbidden`
   */
  check(origin: string | null, host: string | null, more?: ReadonlySet<string>): void {
    if (origin === null || this.#isAny || this.names(origin) || more?.has(origin) === true) return
    if (this.#isOwnOnly && isOwn(origin, host)) return
    const why = this.#isOwnOnly ? 'it is not the origin of this server, and no others are allowed' : 'it is not allowed'
    throw new RotundaError('forbidden', `Pages of ${quote(origin)} may not connect: ${why}.`)
  }
}

/** Hosts are compared, not schemes: behind a proxy that ends TLS the server does not know its own. */
function isOwn(origin: string, host: string | null): boolean {
  if (host === null || !URL.canParse(origin)) return false
  const { protocol, host: theirs } = new URL(origin)
  const own = `${protocol}//${host}`
  return theirs !== '' && URL.canParse(own) && new URL(own).host === theirs
}

/** @throws {RotundaError} `invalid_config` for what no browser sends as `Origin`. */
function checkOrigin(given: unknown): string {
  if (given === '*') return given
  if (typeof given === 'string') {
    const labels = WILDCARD.exec(given)?.[2]?.split('.') ?? []
    const isWhole = labels.every((label) => label === '*' || !label.includes('*')) && labels.at(-1) !== '*'
    const example = given.replaceAll('*', 'x')
    if (isWhole && URL.canParse(example) && originOf(example) === example) return given
  }
  throw new RotundaError(
    'invalid_config',
    `origins has ${quote(given)}; an origin is a scheme, a host and perhaps a port, as in "https://app.example.org"; ` +
      '"*" stands for one label of the host, not the last.',
  )
}

/** Schemes of applications, such as `app://`, have no origin in URLs. */
function originOf(text: string): string {
  const { origin, protocol, host, pathname } = new URL(text)
  return origin === 'null' && pathname === '' && host !== '' ? `${protocol}//${host}` : origin
}

function toPattern(origin: string): RegExp {
  const escaped = origin.replace(/[.+?^${}()|[\]\\/]/g, '\\$&').replaceAll('*', '[^./:]+')
  return new RegExp(`^${escaped}$`)
}
