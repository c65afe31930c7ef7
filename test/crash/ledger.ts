import type { Publish, Reading } from './records.ts'

/** Long enough for a busy machine; only ever waited for when something is wrong. */
const PATIENCE = 60_000

/** All that clients told, and a way to wait for more of it. */
export class Ledger {
  readonly publishes: Publish[] = []
  readonly readings: Reading[] = []
  acks = 0
  seen = 0
  /** Retryable errors that the server answered publishes with, which clients dealt with by themselves. */
  retries = 0
  /** Fresh clients that went on from a saved cursor. */
  resumes = 0
  /** Connections that the server welcomed. */
  connects = 0
  #waiting: { readonly is: () => boolean; settle(error?: Error): void }[] = []
  #failure: Error | undefined

  /** To be called when something was entered. */
  changed(): void {
    if (this.#waiting.length === 0) return
    const fulfilled = this.#waiting.filter(({ is }) => is())
    if (fulfilled.length === 0) return
    this.#waiting = this.#waiting.filter((waiter) => !fulfilled.includes(waiter))
    for (const { settle } of fulfilled) settle()
  }

  /** Ends all waiting, now and later: what happened should never happen. */
  fail(why: string): void {
    this.#failure ??= new Error(why)
    for (const { settle } of this.#waiting.splice(0)) settle(this.#failure)
  }

  /** Resolves as soon as something is so. */
  when(what: string, is: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) return reject(this.#failure)
      if (is()) return resolve()
      const late = () => reject(new Error(`After ${PATIENCE / 1000} s it is still not so that ${what}.`))
      const timer = setTimeout(late, PATIENCE)
      const settle = (error?: Error) => {
        clearTimeout(timer)
        if (error === undefined) resolve()
        else reject(error)
      }
      this.#waiting.push({ is, settle })
    })
  }

  /** The seq up to which each room was acknowledged. */
  heads(): Map<string, number> {
    const heads = new Map<string, number>()
    for (const { room, acks } of this.publishes) {
      for (const { seq } of acks) heads.set(room, Math.max(heads.get(room) ?? 0, seq))
    }
    return heads
  }
}
