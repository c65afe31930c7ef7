import { toBase64 } from '../protocol/base64.ts'
import type { Codec } from '../protocol/codec.ts'
import type { EncodedEnvelope } from '../protocol/envelope.ts'
import { encodeEnvelope, jsonCodec } from '../protocol/json_codec.ts'
import type { Variant } from '../hub/mod.ts'

const encoder = new TextEncoder()

/** An event that moves its room's readers forward. */
interface PlacedEvent {
  readonly data: string
  /** The reader's seq from here on; undefined for one that does not move them. */
  readonly seq: number | undefined
}

/**
 * Envelopes as server-sent events, encoded once for all streams that want the same: those that are in one room by their
 * URL, whose cursor is in the events' ids. For others the events are here to be written anew.
 */
export class EventFrame extends Uint8Array<ArrayBuffer> {
  /** The room whose readers it moves; undefined when it moves nobody. */
  readonly room: string | undefined
  readonly #events: readonly PlacedEvent[]
  #withoutIds: Uint8Array | undefined

  constructor(batch: readonly EncodedEnvelope[], idOf: (seq: number) => string) {
    const events = batch.map((envelope) => ({ data: oneLine(encodeEnvelope(envelope)), seq: seqAfter(envelope) }))
    const { buffer, byteOffset, byteLength } = encoder.encode(write(events, idOf))
    super(buffer, byteOffset, byteLength)
    const moves = events.some(({ seq }) => seq !== undefined)
    this.room = moves ? batch[0]!.room : undefined
    this.#events = moves ? events : []
  }

  /** The same for a stream whose ids say nothing of this room. */
  get withoutIds(): Uint8Array {
    return this.#withoutIds ??= encoder.encode(write(this.#events, () => undefined))
  }

  /** The same with a stream's own ids. */
  withIds(idOf: (seq: number) => string): Uint8Array {
    return encoder.encode(write(this.#events, idOf))
  }

  static get [Symbol.species](): Uint8ArrayConstructor {
    return Uint8Array
  }
}

/** How frames look to streams. `idOf` gives the cursor of a stream that is in one room. */
export function eventVariant(idOf: (seq: number) => string): Variant {
  const codec: Codec = {
    name: 'sse',
    subprotocol: jsonCodec.subprotocol,
    encode: (batch) => new EventFrame(batch, idOf),
    decode: jsonCodec.decode,
  }
  return { codec, batches: true }
}

/** What an application sends outside of the protocol: an event with a name of its own. */
export function rawEvent(frame: string | Uint8Array): Uint8Array {
  const text = typeof frame === 'string'
    ? `event: text\n${frame.split(/\r\n|[\r\n]/).map((line) => `data: ${line}\n`).join('')}\n`
    : `event: bytes\ndata: ${toBase64(frame)}\n\n`
  return encoder.encode(text)
}

function write(events: readonly PlacedEvent[], idOf: (seq: number) => string | undefined): string {
  let text = ''
  for (const { data, seq } of events) {
    text += `data: ${data}\n`
    const id = seq === undefined ? undefined : idOf(seq)
    text += id === undefined ? '\n' : `id: ${id}\n\n`
  }
  return text
}

/** Payloads are sent as they were stored; between JSON's tokens there may be line ends, inside of them never. */
function oneLine(json: string): string {
  return json.includes('\n') || json.includes('\r') ? json.replaceAll(/[\r\n]/g, ' ') : json
}

/** Where in its room's log a reader stands after this envelope. */
function seqAfter({ type, room, seq, payload }: EncodedEnvelope): number | undefined {
  if (seq !== undefined || room === undefined) return seq
  if (type !== 'room.joined' && type !== 'room.gap') return undefined
  return (JSON.parse(payload as string) as { cursor: number }).cursor
}
