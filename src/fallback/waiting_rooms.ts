import type { Contract } from '../protocol/contract.ts'
import type { JoinRequest } from '../protocol/reserved.ts'
import type { RoomView, Visitor, Watcher } from '../hub/mod.ts'
import { answerArray } from './answers.ts'
import { formatCursor } from './cursor_text.ts'
import type { Refuse } from './later.ts'
import type { FallbackNode } from './node.ts'
import { inTime, RoomReading } from './room_reading.ts'
import type { Wait } from './waits.ts'

/** What one must be allowed to be told what came in the meantime. */
const REPLAY: JoinRequest = { last: 1 }

/** All that is kept of a poll of rooms: one object without a function of its own, since there may be ten thousand. */
export class WaitingRooms<C extends Contract, M> implements Wait, Watcher {
  readonly until: number
  readonly views: readonly RoomView[]
  readonly #node: FallbackNode<C, M>
  readonly #who: Visitor<M>
  readonly #max: number
  #gone: AbortSignal | undefined
  #refuse!: Refuse
  #resolve!: (response: Response) => void
  #isWaiting = false

  constructor(
    node: FallbackNode<C, M>,
    { who, views, max, until }: { who: Visitor<M>; views: readonly RoomView[]; max: number; until: number },
  ) {
    this.#node = node
    this.#who = who
    this.views = views
    this.#max = max
    this.until = until
  }

  /** Answers when there is something, or when the time is over. */
  answer(gone: AbortSignal | undefined, refuse: Refuse): Promise<Response> {
    this.#gone = gone
    this.#refuse = refuse
    gone?.addEventListener('abort', this)
    return new Promise((resolve) => {
      this.#resolve = resolve
      this.#wait()
    })
  }

  answerWith(frames: readonly Uint8Array[]): Response {
    const { epoch } = this.#node.hub
    return answerArray(frames, formatCursor({ epoch, seqs: this.views.map((view) => view.cursor) }))
  }

  close(): void {
    this.#gone?.removeEventListener('abort', this)
    for (const view of this.views) view.close()
    this.#node.leave()
  }

  moved(): void {
    this.end()
  }

  /** The client is gone. */
  handleEvent(): void {
    this.end()
  }

  end(): void {
    if (!this.#isWaiting) return
    this.#isWaiting = false
    for (const view of this.views) view.watcher = undefined
    this.#node.waits.delete(this)
    void this.#goOn()
  }

  get #isOver(): boolean {
    return this.#isGivenUp || performance.now() >= this.until
  }

  /** Whether nobody is there any more for whom to read. */
  get #isGivenUp(): boolean {
    return this.#node.waits.isOver || this.#gone?.aborted === true
  }

  #wait(): void {
    this.#isWaiting = true
    for (const view of this.views) view.watcher = this
    this.#node.waits.add(this)
    // Something may have come since the log was read.
    if (this.#gone?.aborted === true || this.views.some(({ isBehind }) => isBehind)) this.end()
  }

  async #goOn(): Promise<void> {
    try {
      const frames = this.#isGivenUp ? [] : await this.#read()
      if (frames.length === 0 && !this.#isOver) return this.#wait()
      this.#finish(this.answerWith(frames))
    } catch (error) {
      this.#finish(this.#refuse(error))
    }
  }

  #finish(response: Response): void {
    this.close()
    this.#resolve(response)
  }

  async #read(): Promise<readonly Uint8Array[]> {
    // Whoever may no longer read is not told what came in the meantime.
    for (const { room } of this.views) await this.#node.hub.reader.check(this.#who, room, REPLAY)
    if (!this.views.some(({ isBehind }) => isBehind)) {
      await inTime(Promise.all(this.views.map((view) => view.refresh())))
    }
    const reading = new RoomReading(this.views, this.#max)
    await inTime(reading.read())
    return reading.frames
  }
}
