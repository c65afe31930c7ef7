import { RotundaError } from '../protocol/errors.ts'
import { quote } from '../protocol/names.ts'
import type { Action } from './access.ts'
import { checkPattern, matches } from './patterns.ts'

/** What a grant allows: `read` is join, replay, history and presence; `write` is publish; or actions by name. */
export type Allowance = 'read' | 'write' | Action | readonly ('read' | 'write' | Action)[]

const READ: readonly Action[] = ['join', 'replay', 'history', 'presence']
const WRITE: readonly Action[] = ['publish']
const ACTIONS: ReadonlySet<string> = new Set<Action>([...READ, ...WRITE, 'send', 'broadcast'])
const NONE: ReadonlyMap<string, ReadonlySet<Action>> = new Map()

/** What one session was granted, by room or by the beginning of rooms' names. */
export class Grants {
  readonly #actions = new Map<string, Set<Action>>()
  /** What came with an identity; replaced with it. */
  #issued = NONE
  /** Patterns that were taken back: an identity cannot bring them again, for as long as this session lives. */
  #withheld: Set<string> | 'all' | undefined
  /** All of both, for every message asks. */
  #list: readonly (readonly [string, ReadonlySet<Action>])[] = []

  /**
   * Adds to what is granted.
   * @param pattern A room, or the beginning of rooms' names and `*`.
   * @throws {RotundaError} `invalid_config`
   */
  add(pattern: string, allowance: Allowance): void {
    const key = checkPattern(pattern, 'A granted room')
    const actions = this.#actions.get(key) ?? new Set<Action>()
    for (const action of actionsOf(allowance)) actions.add(action)
    this.#actions.set(key, actions)
    this.#changed()
  }

  /**
   * Replaces what came with an identity.
   * @internal
   */
  issue(grants: Readonly<Record<string, Allowance>> | undefined): void {
    this.#issued = grants === undefined || this.#withheld === 'all' ? NONE : this.#withoutWithheld(readGrants(grants))
    this.#changed()
  }

  /**
   * Takes back what was granted under this very pattern, by the application or with the identity; without one,
   * everything.
   */
  remove(pattern?: string): void {
    if (pattern === undefined) {
      this.#actions.clear()
      this.#withheld = 'all'
      this.#issued = NONE
    } else {
      this.#actions.delete(pattern)
      if (this.#issued.has(pattern) && this.#withheld !== 'all') {
        this.#withheld = (this.#withheld ?? new Set()).add(pattern)
        this.#issued = this.#withoutWithheld(this.#issued)
      }
    }
    this.#changed()
  }

  allow(action: Action, target: string): boolean {
    for (const [pattern, actions] of this.#list) if (actions.has(action) && matches(pattern, target)) return true
    return false
  }

  /** What is granted, by pattern. */
  get all(): Readonly<Record<string, readonly Action[]>> {
    const all = new Map<string, Set<Action>>()
    for (const [pattern, actions] of this.#list) {
      all.set(pattern, new Set([...all.get(pattern) ?? [], ...actions]))
    }
    return Object.fromEntries([...all].map(([pattern, actions]) => [pattern, [...actions]]))
  }

  #changed(): void {
    this.#list = [...this.#issued, ...this.#actions]
  }

  #withoutWithheld(grants: ReadonlyMap<string, ReadonlySet<Action>>): ReadonlyMap<string, ReadonlySet<Action>> {
    const withheld = this.#withheld
    if (!(withheld instanceof Set)) return grants
    return new Map([...grants].filter(([pattern]) => !withheld.has(pattern)))
  }
}

/** @throws {RotundaError} `invalid_config` */
export function readGrants(grants: Readonly<Record<string, Allowance>>): ReadonlyMap<string, ReadonlySet<Action>> {
  return new Map(
    Object.entries(grants).map(([pattern, allowance]) => {
      return [checkPattern(pattern, 'A granted room'), new Set(actionsOf(allowance))]
    }),
  )
}

function actionsOf(allowance: Allowance): readonly Action[] {
  const named = Array.isArray(allowance) ? allowance as readonly string[] : [allowance as string]
  return named.flatMap((name) => {
    if (name === 'read') return READ
    if (name === 'write') return WRITE
    if (ACTIONS.has(name)) return [name as Action]
    const known = ['read', 'write', ...ACTIONS].join(', ')
    throw new RotundaError('invalid_config', `A grant of ${quote(name)} is not known; there are: ${known}.`)
  })
}
