/** What is to be asked once more for every doubt that comes up after it was asked: one question at a time. */
export class Doubts {
  readonly #ask: () => Promise<void>
  #isDoubtful = false
  #isAsking = false

  constructor(ask: () => Promise<void>) {
    this.#ask = ask
  }

  raise(): void {
    this.#isDoubtful = true
    if (this.#isAsking) return
    this.#isAsking = true
    this.#settle().catch(() => {}).finally(() => this.#isAsking = false)
  }

  async #settle(): Promise<void> {
    while (this.#isDoubtful) {
      // What comes up while the question is under way is about something that its answer may not know of.
      this.#isDoubtful = false
      await this.#ask()
    }
  }
}
