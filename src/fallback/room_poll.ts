import { RotundaError } from '../protocol/errors.ts'
import type { RoomView } from '../hub/mod.ts'
import { formatCursor } from './cursor_text.ts'
import { ENVELOPES } from './envelope_frame.ts'
import { type Letters, MAX_ANSWER } from './mailbox.ts'
import type { PlacedRoom, PollParameters } from './parameters.ts'
import { type Wait, waitFor, type WaitTerms } from './waits.ts'

/** How long the log may take to be read when a poll does not wait, in milliseconds. */
const PATIENCE = 5_000

/** What a poll of rooms needs of its node. */
export interface RoomPollOptions extends WaitTerms {
  readonly epoch: string
  readonly rooms: readonly PlacedRoom[]
  readonly poll: PollParameters
  open(room: string, onMoved: () => void): RoomView
  /** Rejects when the rooms may not be read. */
  authorize(): void | Promise<void>
}

/** Frames of an answer, and the reader's cursor after them. */
export interface RoomsAnswer extends Pick<Letters, 'frames'> {
  readonly cursor: string
}

/**
 * One poll of rooms by somebody who is in none of them: reads what is there, or waits until something is.
 * @throws {RotundaError} As rejection: `forbidden`, `store_unavailable`, what `authorize` rejects with.
 */
export async function pollRooms(options: RoomPollOptions): Promise<RoomsAnswer> {
  await options.authorize()
  const poll = new RoomPoll(options)
  try {
    return await poll.answer()
  } finally {
    poll.close()
  }
}

class RoomPoll {
  readonly #until: number
  readonly #options: RoomPollOptions
  readonly #views: readonly RoomView[]
  readonly #frames: Uint8Array[] = []
  #bytes = 0
  #waiting: Wait | undefined
  #isEnded = false

  constructor(options: RoomPollOptions) {
    this.#options = options
    this.#until = performance.now() + options.poll.wait
    const moved = () => this.#waiting?.end()
    this.#views = options.rooms.map(({ room }) => options.open(room, moved))
  }

  async answer(): Promise<RoomsAnswer> {
    await this.#inTime(this.#start())
    if (this.#frames.length === 0) await this.#inTime(this.#read())
    while (this.#frames.length === 0 && !this.#isEnded && performance.now() < this.#until) {
      await this.#wait()
      if (this.#isEnded) break
      // Whoever may no longer read is not told what came in the meantime.
      await this.#options.authorize()
      if (!this.#views.some(({ isBehind }) => isBehind)) await this.#inTime(this.#refresh())
      await this.#inTime(this.#read())
    }
    const cursor = formatCursor({ epoch: this.#options.epoch, seqs: this.#views.map((view) => view.cursor) })
    return { frames: this.#frames, cursor }
  }

  close(): void {
    for (const view of this.#views) view.close()
  }

  /** Takes the places that were asked for; who has none yet is told theirs. */
  async #start(): Promise<void> {
    const { rooms } = this.#options
    const starts = await Promise.all(this.#views.map((view, i) => view.start(rooms[i]!.request)))
    for (const [i, { joined, gap }] of starts.entries()) {
      const { room, request } = rooms[i]!
      if (request.since === undefined) this.#tell('room.joined', room, joined)
      if (gap !== undefined) this.#tell('room.gap', room, gap)
      if ((request.last ?? 0) > 0 || gap !== undefined) await this.#readRoom(this.#views[i]!, this.#share(i))
    }
  }

  async #read(): Promise<void> {
    for (const [i, view] of this.#views.entries()) if (view.isBehind) await this.#readRoom(view, this.#share(i))
  }

  /** What is left of the answer is shared by the rooms that are left, so that none waits behind a busy one forever. */
  #share(index: number): number {
    const left = this.#options.poll.max - this.#frames.length
    return Math.max(0, Math.ceil(left / (this.#views.length - index)))
  }

  async #readRoom(view: RoomView, most: number): Promise<void> {
    let left = most
    while (left > 0 && view.isBehind && this.#bytes < MAX_ANSWER) {
      const { gap, frames } = await view.read(ENVELOPES, left, MAX_ANSWER - this.#bytes)
      if (gap !== undefined) this.#tell('room.gap', view.room, gap)
      for (const { frame } of frames) this.#add(frame as Uint8Array)
      left -= frames.length
    }
  }

  async #refresh(): Promise<void> {
    await Promise.all(this.#views.map((view) => view.refresh()))
  }

  #wait(): Promise<void> {
    const { gone, waits } = this.#options
    return waitFor(this.#until - performance.now(), this.#options, (wait) => {
      this.#waiting = wait
      // Something may have come since the log was read.
      if (this.#views.some(({ isBehind }) => isBehind)) wait.end()
      return () => {
        this.#waiting = undefined
        this.#isEnded = gone?.aborted === true || waits.isOver
      }
    })
  }

  /** A store that does not answer is not waited for longer than anything else. */
  async #inTime(reading: Promise<void>): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined
    const late = new Promise<never>((_, reject) => {
      const error = new RotundaError('store_unavailable', 'The log cannot be read now; try again.')
      timer = setTimeout(() => reject(error), PATIENCE)
    })
    try {
      await Promise.race([reading, late])
    } finally {
      clearTimeout(timer)
    }
  }

  #tell(type: string, room: string, payload: object): void {
    this.#add(ENVELOPES.codec.encode([{ type, room, payload: JSON.stringify(payload) }]) as Uint8Array)
  }

  #add(frame: Uint8Array): void {
    this.#frames.push(frame)
    this.#bytes += frame.byteLength
  }
}
