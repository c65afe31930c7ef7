import { RotundaError } from '../protocol/errors.ts'
import type { RoomView } from '../hub/mod.ts'
import { ENVELOPES } from './envelope_frame.ts'
import { MAX_ANSWER } from './mailbox.ts'
import type { PlacedRoom } from './parameters.ts'

/** How long the log may take to be read, in milliseconds. */
const PATIENCE = 5_000

/** One answer being gathered from several rooms. */
export class RoomReading {
  readonly frames: Uint8Array[] = []
  readonly #views: readonly RoomView[]
  readonly #max: number
  #bytes = 0

  constructor(views: readonly RoomView[], max: number) {
    this.#views = views
    this.#max = max
  }

  /** Takes the places that were asked for; who has none yet is told theirs. */
  async start(rooms: readonly PlacedRoom[]): Promise<void> {
    const starts = await Promise.all(this.#views.map((view, i) => view.start(rooms[i]!.request)))
    for (const [i, { joined, gap }] of starts.entries()) {
      const { room, request } = rooms[i]!
      if (request.since === undefined) this.#tell('room.joined', room, joined)
      if (gap !== undefined) this.#tell('room.gap', room, gap)
      if ((request.last ?? 0) > 0 || gap !== undefined) await this.#readRoom(this.#views[i]!, this.#share(i))
    }
  }

  /** Reads what the rooms have. */
  async read(): Promise<void> {
    for (const [i, view] of this.#views.entries()) if (view.isBehind) await this.#readRoom(view, this.#share(i))
  }

  /** What is left of the answer is shared by the rooms that are left, so that none waits behind a busy one forever. */
  #share(index: number): number {
    const left = this.#max - this.frames.length
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

  #tell(type: string, room: string, payload: object): void {
    this.#add(ENVELOPES.codec.encode([{ type, room, payload: JSON.stringify(payload) }]) as Uint8Array)
  }

  #add(frame: Uint8Array): void {
    this.frames.push(frame)
    this.#bytes += frame.byteLength
  }
}

/**
 * A store that does not answer is not waited for forever.
 * @throws {RotundaError} As rejection: `store_unavailable`, or what the reading rejects with.
 */
export async function inTime(reading: Promise<unknown>): Promise<void> {
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
