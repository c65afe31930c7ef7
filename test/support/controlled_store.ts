import { type Appended, type AppendMessage, memoryStore, type MessageStore } from '../../src/mod.ts'

/** A store whose commits a test holds back, fails before they happen, or fails after they happened. */
export class ControlledStore implements MessageStore {
  readonly #store: MessageStore
  readonly batches: number[] = []
  /** What the next commits do. */
  fail: 'before' | 'after' | undefined
  failReads = false
  reads = 0
  #gate: Promise<void> | undefined
  #open: (() => void) | undefined
  #answers: PromiseWithResolvers<void> | undefined

  constructor(store: MessageStore = memoryStore()) {
    this.#store = store
  }

  get epoch(): string {
    return this.#store.epoch
  }

  /** Makes commits wait until `release`. */
  hold(): void {
    this.#gate = new Promise((resolve) => this.#open = resolve)
  }

  release(): void {
    this.#gate = undefined
    this.#open?.()
  }

  async append(messages: readonly AppendMessage[]): Promise<Appended[]> {
    this.batches.push(messages.length)
    await this.#gate
    if (this.fail === 'before') throw new Error('disk full')
    const appended = await this.#store.append(messages)
    if (this.fail === 'after') throw new Error('connection lost after the commit')
    return appended
  }

  listByRoom(room: string, limit: number, before?: string) {
    return this.#read(() => this.#store.listByRoom(room, limit, before))
  }

  replayRoom(room: string, after: number, limit: number) {
    return this.#read(() => this.#store.replayRoom(room, after, limit))
  }

  replayFrom(id: string, limit: number) {
    return this.#read(() => this.#store.replayFrom(id, limit))
  }

  extent(room: string) {
    return this.#read(() => this.#store.extent(room))
  }

  rooms(prefix: string, after: string, limit: number) {
    return this.#read(() => this.#store.rooms(prefix, after, limit))
  }

  seqBefore(room: string, ts: number, limit: number) {
    return this.#read(() => this.#store.seqBefore(room, ts, limit))
  }

  trim(room: string, through: number): Promise<number> {
    return this.#store.trim(room, through)
  }

  close(): Promise<void> {
    return this.#store.close()
  }

  /** Makes what is read wait, as it was when it was read, until `releaseAnswers`. */
  holdAnswers(): void {
    this.#answers = Promise.withResolvers()
  }

  releaseAnswers(): void {
    this.#answers?.resolve()
    this.#answers = undefined
  }

  async #read<T>(read: () => Promise<T>): Promise<T> {
    this.reads += 1
    if (this.failReads) throw new Error('database unreachable')
    const answer = await read()
    await this.#answers?.promise
    return answer
  }
}
