import { RotundaError } from '../protocol/errors.ts'
import { quote } from '../protocol/names.ts'
import type { Action } from './access.ts'
import { checkPattern, matches } from './patterns.ts'

/** What a grant allows: `read` is join, replay, history and presence; `write` is publish; or actions by name. */
export type Allowance = 'read' | 'write' | Action | readonly Action[]

const READ: readonly Action[] = ['join', 'replay', 'history', 'presence']
const WRITE: readonly Action[] = ['publish']
const ACTIONS: ReadonlySet<string> = new Set<Action>([...READ, ...WRITE, 'send', 'broadcast'])

/** What one session was granted, by room or by the beginning of rooms' names. */
export class Grants {
  readonly #actions = new Map<string, Set<Action>>()

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
  }

  /** Takes back what was granted under this very pattern; without one, everything. */
  remove(pattern?: string): void {
    if (pattern === undefined) this.#actions.clear()
    else this.#actions.delete(pattern)
  }

  allow(action: Action, target: string): boolean {
    for (const [pattern, actions] of this.#actions) if (actions.has(action) && matches(pattern, target)) return true
    return false
  }

  /** What is granted, by pattern. */
  get all(): Readonly<Record<string, readonly Action[]>> {
    return Object.fromEntries([...this.#actions].map(([pattern, actions]) => [pattern, [...actions]]))
  }
}

function actionsOf(allowance: Allowance): readonly Action[] {
  if (allowance === 'read') return READ
  if (allowance === 'write') return WRITE
  const actions = Array.isArray(allowance) ? allowance as readonly Action[] : [allowance as Action]
  const unknown = actions.filter((action) => !ACTIONS.has(action))
  if (unknown.length === 0) return actions
  const known = ['read', 'write', ...ACTIONS].join(', ')
  throw new RotundaError('invalid_config', `A grant of ${quote(unknown[0])} is not known; there are: ${known}.`)
}
