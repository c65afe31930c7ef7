import type { Frame } from '../protocol/codec.ts'
import type { EncodedEnvelope } from '../protocol/envelope.ts'
import { encodeFrames, type Variant } from './channel.ts'
import type { RoomChannel } from './room_channel.ts'

/** What is around a payload: type, room, id and so on. */
const AROUND = 100

/** Something on its way to a room's members, encoded once for each variant. */
export class Delivery {
  /** Of its frames, about. */
  readonly bytes: number
  readonly #batch: readonly EncodedEnvelope[]
  readonly #deliver: (channel: RoomChannel, frames: readonly Frame[]) => void
  readonly #encoded: { readonly variant: Variant; readonly frames: readonly Frame[] }[] = []

  constructor(
    batch: readonly EncodedEnvelope[],
    deliver: (channel: RoomChannel, frames: readonly Frame[]) => void,
  ) {
    this.bytes = batch.reduce((sum, { payload }) => sum + payload.length + AROUND, 0)
    this.#batch = batch
    this.#deliver = deliver
  }

  serve(channel: RoomChannel): void {
    this.#deliver(channel, channel.size === 0 ? [] : this.#frames(channel.variant))
  }

  #frames(variant: Variant): readonly Frame[] {
    const { codec, batches } = variant
    const known = this.#encoded.find(({ variant }) => variant.codec === codec && variant.batches === batches)
    if (known !== undefined) return known.frames
    const frames = encodeFrames(variant, this.#batch)
    this.#encoded.push({ variant, frames })
    return frames
  }
}
