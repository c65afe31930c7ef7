import { isKeyId, MAX_KEY_ID } from '../../protocol/encrypted_payload.ts'
import { quote } from '../../protocol/names.ts'
import { RotundaError } from '../../protocol/rotunda_error.ts'
import { checkKey, type RoomKey, toCryptoKey } from './key.ts'
import { SenderKeys } from './sender_keys.ts'

/** How long a key that `lookup` has not got is not asked for again, in milliseconds. */
const MISSING_FOR = 10_000
const MAX_MISSING = 1_000

/** The keys of a room. */
export interface RoomKeysOptions {
  /** The id of the key that encrypts what is published. */
  readonly current: string
  /** Keys by their ids; an id has 1 to 64 printable characters and is not secret. */
  readonly keys?: Readonly<Record<string, RoomKey>> | undefined
  /**
   * Gets a key that is not among `keys`, undefined when there is none. It is called once for a key that is found, and
   * again after 10 s for one that is not. The room's messages wait for it, so it should settle soon.
   */
  readonly lookup?: ((kid: string) => RoomKey | undefined | Promise<RoomKey | undefined>) | undefined
}

/**
 * The keys of one room, or of several that have the same members.
 * @throws {RotundaError} `invalid_config`
 * @example
 * ```ts
 * const keys = roomKeys({ current: 'k1', keys: { k1: generateKey() } })
 * const room = client.join('secret-1', { cipher: encryption(keys) })
 * keys.rotate('k2', generateKey()) // what was published before stays legible
 * ```
 */
export function roomKeys(options: RoomKeysOptions): RoomKeys {
  return new RoomKeys(options)
}

/** Keys by id. Made by {@link roomKeys}. */
export class RoomKeys {
  readonly #known = new Map<string, SenderKeys>()
  readonly #lookup: RoomKeysOptions['lookup']
  readonly #looking = new Map<string, Promise<SenderKeys>>()
  readonly #missing = new Map<string, number>()
  #current: string

  /** Use {@link roomKeys}. */
  constructor({ current, keys = {}, lookup }: RoomKeysOptions) {
    this.#lookup = lookup
    for (const [kid, key] of Object.entries(keys)) this.add(kid, key)
    this.#current = this.#usable(current)
  }

  /** The id of the key that encrypts what is published. */
  get current(): string {
    return this.#current
  }

  /**
   * Adds a key that opens messages.
   * @throws {RotundaError} `invalid_config` for what is no key, or an id that is taken.
   */
  add(kid: string, key: RoomKey): void {
    if (!isKeyId(kid)) {
      throw wrong(`Key id ${quote(kid)} must be 1 to ${MAX_KEY_ID} printable characters.`)
    }
    if (this.#known.has(kid)) throw wrong(`There is a key ${quote(kid)} already; a new one needs an id of its own.`)
    this.#keep(kid, key)
  }

  /**
   * Encrypts with another key from now on; the others go on opening what they encrypted.
   * @param key The key, unless it was added before or `lookup` gets it.
   * @throws {RotundaError} `invalid_config`
   */
  rotate(kid: string, key?: RoomKey): void {
    if (key !== undefined) this.add(kid, key)
    this.#current = this.#usable(kid)
  }

  /**
   * @internal
   * @throws {RotundaError} As rejection: `unknown_encryption_key`
   */
  async get(kid: string): Promise<SenderKeys> {
    const known = this.#known.get(kid) ?? this.#looking.get(kid)
    if (known !== undefined) return await known
    if (performance.now() - (this.#missing.get(kid) ?? -Infinity) < MISSING_FOR) throw unknown(kid)
    const looking = this.#lookUp(kid).finally(() => this.#looking.delete(kid))
    this.#looking.set(kid, looking)
    return await looking
  }

  #usable(kid: string): string {
    if (this.#known.has(kid) || (this.#lookup !== undefined && isKeyId(kid))) return kid
    throw wrong(`There is no key ${quote(kid)} to encrypt with.`)
  }

  #keep(kid: string, key: RoomKey): SenderKeys {
    const sender = new SenderKeys(toCryptoKey(checkKey(key)))
    this.#known.set(kid, sender)
    return sender
  }

  async #lookUp(kid: string): Promise<SenderKeys> {
    let key: RoomKey | undefined
    try {
      key = await this.#lookup?.(kid)
      // It may have been added meanwhile.
      const known = this.#known.get(kid)
      if (known !== undefined) return known
      if (key !== undefined) return this.#keep(kid, key)
    } catch (cause) {
      throw unknown(kid, cause)
    }
    // A server can name as many as it likes.
    if (this.#missing.size >= MAX_MISSING) this.#missing.clear()
    this.#missing.set(kid, performance.now())
    throw unknown(kid)
  }
}

function wrong(message: string): RotundaError {
  return new RotundaError('invalid_config', message)
}

function unknown(kid: string, cause?: unknown): RotundaError {
  return new RotundaError('unknown_encryption_key', `There is no key ${quote(kid)} here.`, { cause })
}
