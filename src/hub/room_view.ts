import { RotundaError } from '../protocol/errors.ts'
import type { Gap, Joined, JoinRequest } from '../protocol/reserved.ts'
import type { RoomExtent } from '../storage/store.ts'
import type { Variant } from './channel.ts'
import { trimmedGap } from './gap.ts'
import type { PageFrame } from './page.ts'
import type { Room } from './room.ts'
import type { Rooms } from './rooms.ts'
import { startOf } from './start.ts'
import type { Watcher } from './watcher.ts'

/** What a view read: a piece of the log, and what is missing before it. */
export interface ViewPiece {
  readonly gap: Gap | undefined
  readonly frames: readonly PageFrame[]
}

const NOTHING: ViewPiece = { gap: undefined, frames: [] }

/**
 * Somebody's own place in a room's log without being a member of the room. It asks no policy. Must be closed: the room
 * is kept open for it until then.
 */
export class RoomView implements Watcher {
  readonly #rooms: Rooms
  readonly #room: Room
  /** Told whenever there may be more to read. */
  watcher: Watcher | undefined
  /** Seq of the last message that was read or skipped. */
  #cursor = 0
  /** Seq up to which the log is known to reach. */
  #head = 0

  constructor(rooms: Rooms, room: string) {
    this.#rooms = rooms
    this.#room = rooms.watch(room, this)
  }

  get room(): string {
    return this.#room.name
  }

  get cursor(): number {
    return this.#cursor
  }

  /** Whether there is something to read. */
  get isBehind(): boolean {
    return this.#cursor < Math.max(this.#head, this.#room.head)
  }

  moved(): void {
    this.watcher?.moved()
  }

  close(): void {
    this.#rooms.unwatch(this.#room, this)
  }

  /**
   * Goes to where a join with this request would start.
   * @throws {RotundaError} As rejection: `store_unavailable`.
   */
  async start(request: JoinRequest): Promise<{ readonly joined: Joined; readonly gap: Gap | undefined }> {
    const { epoch, counters } = this.#room
    const extent = await this.#extent()
    const { cursor, gap } = startOf(request, extent, extent.head, epoch)
    this.#cursor = cursor
    if (gap !== undefined) counters.gaps += 1
    return { joined: { head: extent.head, epoch, cursor }, gap }
  }

  /**
   * Asks the log how far it reaches, for what other nodes put there.
   * @throws {RotundaError} As rejection: `store_unavailable`.
   */
  async refresh(): Promise<void> {
    await this.#extent()
  }

  /**
   * The next messages; while the store cannot be read this waits.
   * @param most Messages at most.
   * @param mostBytes Bytes at most, but one message at least.
   */
  async read(variant: Variant, most: number, mostBytes: number): Promise<ViewPiece> {
    if (!this.isBehind) return NOTHING
    const cursor = this.#cursor
    const page = await this.#room.page(cursor, Math.max(this.#head, this.#room.head), most)
    const next = page.messages[0]?.seq ?? page.through + 1
    const frames = upTo(mostBytes, page.frames(variant))
    this.#cursor = frames.at(-1)?.last ?? page.through
    if (next === cursor + 1) return { gap: undefined, frames }
    this.#room.counters.gaps += 1
    return { gap: trimmedGap(cursor + 1, next - 1, this.#room.epoch), frames }
  }

  async #extent(): Promise<RoomExtent> {
    try {
      const [extent] = await Promise.all([this.#room.extent.get(), this.#room.load()])
      this.#head = extent.head
      this.#room.notice(extent.head)
      return extent
    } catch (cause) {
      this.#room.report(cause)
      throw new RotundaError('store_unavailable', `Room "${this.room}" cannot be read now; try again.`, { cause })
    }
  }
}

function upTo(bytes: number, frames: readonly PageFrame[]): readonly PageFrame[] {
  let size = 0
  const end = frames.findIndex(({ frame }, i) => (size += frame.length) > bytes && i > 0)
  return end < 0 ? frames : frames.slice(0, end)
}
