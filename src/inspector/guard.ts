import { addressKey, type Logger } from '../hub/mod.ts'
import { RotundaError } from '../protocol/errors.ts'
import { Attempts } from './attempts.ts'
import type { CheckedOptions } from './options.ts'

/** A header that a page of another origin cannot send without asking first, which is never granted. */
export const ACTION_HEADER = 'x-rotunda-inspector'

const encoder = new TextEncoder()

/** Who was let in, as far as it is known. */
export interface Operator {
  readonly address: string
  /** The name that came with the password: anything that its user chose. */
  readonly name: string | undefined
}

/** Lets in who may use the inspector. Whoever may not learns nothing but that. */
export class Guard {
  readonly #options: CheckedOptions
  readonly #expected: Promise<Uint8Array> | undefined
  readonly #attempts = new Attempts(() => performance.now())
  readonly #logger: Pick<Logger, 'warn'>

  constructor(options: CheckedOptions, logger: Pick<Logger, 'warn'>) {
    this.#options = options
    this.#logger = logger
    if ('password' in options) this.#expected = digest(options.password)
  }

  /**
   * @param address Where the request comes from; empty where that is not known.
   * @throws {RotundaError} As rejection: `unauthenticated` where a password is asked for, `quota_exceeded` where too many
   * were wrong, `forbidden`, or what `authorize` throws.
   */
  async check(request: Request, address: string): Promise<Operator> {
    if ('authorize' in this.#options) {
      if (await this.#options.authorize(request) === true) return { address, name: undefined }
      throw new RotundaError('forbidden', 'This is not for you.')
    }
    const shown = credentialsIn(request.headers.get('authorization') ?? '')
    // Browsers show none before they have asked their user for one.
    if (shown === undefined) throw refusal()
    const { password } = this.#options
    // Digests are of the same length, whatever was shown.
    const [given, expected] = await Promise.all([digest(shown.password), this.#expected!])
    // Not before: what comes all at once is judged one after the other, and no more of it than may be.
    const key = addressKey(address)
    this.#attempts.check(key)
    if (isSame(given, expected)) {
      // Some write the password twice.
      return { address, name: shown.name === '' || shown.name.includes(password) ? undefined : shown.name }
    }
    if (this.#attempts.failed(key)) {
      this.#logger.warn(`rotunda: inspector: too many wrong passwords from ${address || 'somewhere'}.`)
    }
    throw refusal()
  }
}

function refusal(): RotundaError {
  return new RotundaError('unauthenticated', 'Show the password: Authorization: Basic ….')
}

/** What a browser is to ask its user for. */
export const CHALLENGE = 'Basic realm="rotunda inspector", charset="UTF-8"'

/**
 * Refuses what another site made a browser send: its user's credentials come with that.
 * @throws {RotundaError} `forbidden`
 */
export function checkAction({ headers, url }: Request): void {
  const site = headers.get('sec-fetch-site')
  const origin = headers.get('origin')
  // Browsers say where a request comes from by the first only on secure origins, and nobody else can make them say it.
  const isOwn = site === null ? origin === null || hostOf(origin) === new URL(url).host : site === 'same-origin'
  if (isOwn && headers.get(ACTION_HEADER) === '1') return
  throw new RotundaError('forbidden', `This is done from the inspector's own page, with ${ACTION_HEADER}: 1.`)
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined
}

function credentialsIn(authorization: string): { readonly name: string; readonly password: string } | undefined {
  const encoded = /^basic +([+/=0-9A-Za-z]+) *$/i.exec(authorization)?.[1]
  if (encoded === undefined) return undefined
  try {
    const bytes = Uint8Array.from(atob(encoded), (char) => char.charCodeAt(0))
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    const colon = text.indexOf(':')
    return colon < 0 ? undefined : { name: text.slice(0, colon), password: text.slice(colon + 1) }
  } catch {
    return undefined
  }
}

async function digest(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', encoder.encode(text)))
}

/** Takes as long wherever the difference is. */
function isSame(shown: Uint8Array, expected: Uint8Array): boolean {
  let difference = 0
  for (let i = 0; i < expected.length; i++) difference |= expected[i]! ^ shown[i]!
  return difference === 0
}
