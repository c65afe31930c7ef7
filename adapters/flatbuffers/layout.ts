/** The fields of `Message` in rotunda.fbs, by their ids. */
export const FIELD = {
  opcode: 0,
  room: 1,
  type: 2,
  body: 3,
  bodyFormat: 4,
  transactionId: 5,
  id: 6,
  seq: 7,
  timestamp: 8,
  emitter: 9,
  requiresAck: 10,
  key: 11,
  kind: 12,
  receiver: 13,
  token: 14,
  traceId: 15,
  traceFlags: 16,
  spanId: 17,
  parentSpanId: 18,
} as const

/** How many fields there are. */
export const FIELDS = 19

/** How many bytes each field takes in its table; strings and vectors are an offset there. */
export const WIDTHS: readonly number[] = [2, 4, 4, 4, 1, 4, 4, 8, 8, 4, 1, 4, 1, 4, 4, 4, 1, 8, 8]

/** What a frame has at its bytes 4 to 7: `RTD1`, little-endian. */
export const IDENTIFIER = 0x31445452

/** `Kind` and `BodyFormat` of rotunda.fbs. */
export const KIND = { event: 0, reply: 1, request: 2 } as const
export const BODY = { json: 0, bytes: 1 } as const

/** Where a table that has certain fields keeps each of them. */
export interface Layout {
  /** Its numbers of two bytes. */
  readonly vtable: readonly number[]
  /** By field id: bytes from the start of the table, 0 where it is absent. */
  readonly at: readonly number[]
  /** Of the table. */
  readonly size: number
  /** The writer's: the frame that the vtable was last written into, and its position there. */
  frame: number
  position: number
}

/** The widest first: behind the table's own four bytes, at 4 modulo 8, each is then aligned without a gap. */
const ORDER: readonly number[] = WIDTHS.map((_, field) => field).sort((a, b) => WIDTHS[b]! - WIDTHS[a]!)

/** What is used has some dozens of layouts; more come from somebody's odd envelopes, and are not worth keeping. */
const KEPT = 256
const layouts = new Map<number, Layout>()

/** The layout of a table that has the fields whose bits are set. */
export function layoutOf(mask: number): Layout {
  const known = layouts.get(mask)
  if (known !== undefined) return known
  const at = new Array<number>(FIELDS).fill(0)
  let size = 4
  for (const field of ORDER) {
    if ((mask & (1 << field)) === 0) continue
    at[field] = size
    size += WIDTHS[field]!
  }
  const entries = at.slice(0, 32 - Math.clz32(mask))
  const vtable = [4 + 2 * entries.length, size, ...entries]
  if (layouts.size >= KEPT) layouts.clear()
  const layout = { vtable, at, size, frame: 0, position: 0 }
  layouts.set(mask, layout)
  return layout
}
