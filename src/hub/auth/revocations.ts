import type { Identity } from '../identity.ts'

/** Whose sessions are meant: a subject, or all of whom this is true. */
export type WhoseSessions = string | ((identity: Identity) => boolean)

/** How long a revocation is remembered, in milliseconds: longer than a handshake may take. */
const REMEMBERED = 60_000
const MOST = 10_000

/** What was revoked just now: who was let in by what was found out before must not come in after. */
export class Revocations {
  readonly #now: () => number
  #count = 0
  #recent: { readonly number: number; readonly at: number; readonly concerns: (identity: Identity) => boolean }[] = []

  /** @param now Milliseconds of a clock that does not go back. */
  constructor(now: () => number) {
    this.#now = now
  }

  /** How many there were. */
  get count(): number {
    return this.#count
  }

  add(concerns: (identity: Identity) => boolean): void {
    const at = this.#now()
    this.#recent = this.#recent.filter((one) => at - one.at < REMEMBERED).slice(-MOST)
    this.#recent.push({ number: ++this.#count, at, concerns })
  }

  /** Whether somebody was revoked after the first so many revocations. */
  concern(identity: Identity | undefined, since: number): boolean {
    if (identity === undefined || since === this.#count) return false
    return this.#recent.some(({ number, concerns }) => number > since && concerns(identity))
  }
}

export function concerning(who: WhoseSessions): (identity: Identity) => boolean {
  return typeof who === 'string' ? ({ subject }) => subject === who : who
}
