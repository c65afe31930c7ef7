import type { Cipher, FoundAt, SealedFor } from '../../src/client/mod.ts'
import { Random } from '../conformance/random.ts'

/** No secret at all, but shaped like one: slow, by a random number of turns, and failing where a test wants it. */
export class FakeCipher implements Cipher {
  readonly sealed: (SealedFor & { payload: unknown })[] = []
  readonly opened: FoundAt[] = []
  /** Called before each; what it throws is what fails. */
  before: (what: 'seal' | 'open', payload: unknown) => unknown = () => {}
  readonly #random = new Random(5)

  async seal(payload: unknown, about: SealedFor): Promise<unknown> {
    this.sealed.push({ ...about, payload })
    await this.#turns()
    await this.before('seal', payload)
    const ct = btoa(JSON.stringify(payload).padEnd(30))
    return { v: 1, kid: 'k', key: about.key, iv: 'A'.repeat(32), ct }
  }

  async open(payload: unknown, about: FoundAt): Promise<unknown> {
    this.opened.push(about)
    await this.#turns()
    const opened = JSON.parse(atob((payload as { ct: string }).ct)) as unknown
    await this.before('open', opened)
    return opened
  }

  async #turns(): Promise<void> {
    for (let n = this.#random.whole(0, 5); n > 0; n--) await Promise.resolve()
  }
}
