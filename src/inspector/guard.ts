import { RotundaError } from '../protocol/errors.ts'
import type { CheckedOptions } from './options.ts'

/** A header that a page of another origin cannot send without asking first, which is never granted. */
export const ACTION_HEADER = 'x-rotunda-inspector'

const encoder = new TextEncoder()

/** Lets in who may use the inspector. Whoever may not learns nothing but that. */
export class Guard {
  readonly #options: CheckedOptions
  readonly #expected: Promise<Uint8Array> | undefined

  constructor(options: CheckedOptions) {
    this.#options = options
    if ('password' in options) this.#expected = digest(options.password)
  }

  /**
   * @throws {RotundaError} As rejection: `unauthenticated` where a password is asked for, `forbidden`, or what
   * `authorize` throws.
   */
  async check(request: Request): Promise<void> {
    if ('authorize' in this.#options) {
      if (await this.#options.authorize(request) === true) return
      throw new RotundaError('forbidden', 'This is not for you.')
    }
    const shown = passwordIn(request.headers.get('authorization') ?? '')
    // Digests are of the same length, whatever was shown.
    const [given, expected] = await Promise.all([digest(shown ?? ''), this.#expected!])
    if (shown === undefined || !isSame(given, expected)) {
      throw new RotundaError('unauthenticated', 'Show the password: Authorization: Basic ….')
    }
  }
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

function passwordIn(authorization: string): string | undefined {
  const encoded = /^basic +([+/=0-9A-Za-z]+) *$/i.exec(authorization)?.[1]
  if (encoded === undefined) return undefined
  try {
    const bytes = Uint8Array.from(atob(encoded), (char) => char.charCodeAt(0))
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    const colon = text.indexOf(':')
    return colon < 0 ? undefined : text.slice(colon + 1)
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
