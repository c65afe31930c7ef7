import type { Appended, AppendMessage } from '../../src/storage/mod.ts'
import { formatId } from '../../src/storage/mod.ts'
import { RotundaError } from '../../src/protocol/mod.ts'
import type { Batch, BatchPart, Committed } from './connection.ts'

// Characters and bytes in one statement. A character is at most 3 bytes, twice as many where every one is escaped; sqld
// takes 4 MB.
const PART_SIZE = 250_000
const ROW_EXTRA = 50

/** A batch without inner repeats, and how to read what its commit answers. */
export interface PreparedBatch {
  readonly batch: Batch
  positions(committed: Committed): Appended[]
}

/** Turns messages into a {@link Batch}. Throws for text that SQLite would not give back as it was. */
export function prepareBatch(messages: readonly AppendMessage[]): PreparedBatch {
  let rows: unknown[][] = []
  let bytes: Uint8Array[] = []
  let bytesLength = 0
  let size = 0
  const roomOf: number[] = []
  const parts: BatchPart[] = []
  const rooms = new Map<string, { readonly index: number; readonly rowOfKey: Map<string, number> }>()
  // For each message its row, or for a repeat within the batch −1 − the row it repeats.
  const rowOf: number[] = []
  for (const message of messages) {
    const { room, kind, type, from, key, ts, payload } = message
    const n = roomOf.length
    let known = rooms.get(room)
    if (known === undefined) rooms.set(room, known = { index: rooms.size, rowOfKey: new Map() })
    if (key !== null) {
      const first = known.rowOfKey.get(key)
      if (first !== undefined) {
        rowOf.push(-1 - first)
        continue
      }
      known.rowOfKey.set(key, n)
    }
    if (typeof payload === 'string') rows.push([room, kind, type, from, key, ts, payload])
    else {
      rows.push([room, kind, type, from, key, ts, null, bytesLength + 1, payload.length])
      bytes.push(payload)
      bytesLength += payload.length
    }
    roomOf.push(known.index)
    rowOf.push(n)
    size += payload.length + room.length + type.length + (key?.length ?? 0) + ROW_EXTRA
    if (size > PART_SIZE) endPart()
  }
  if (rows.length > 0) endPart()
  const batch = { parts, rooms: JSON.stringify([...rooms.keys()]) }
  return { batch, positions: (committed) => positions(committed, rowOf, roomOf) }

  function endPart(): void {
    const text = JSON.stringify(rows)
    // A payload's own escapes have their backslash doubled and match as well: looked into, and rare.
    if (text.includes('\\u0000') || text.includes('\\ud')) messages.forEach(checkText)
    parts.push({
      rows: text,
      count: rows.length,
      bytes: bytes.length > 0 ? joined(bytes, bytesLength) : null,
    })
    rows = []
    bytes = []
    bytesLength = 0
    size = 0
  }
}

/** The one copy on the way to the database: what is given may be views on larger buffers. */
function joined(pieces: readonly Uint8Array[], length: number): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(length)
  let at = 0
  for (const piece of pieces) {
    all.set(piece, at)
    at += piece.length
  }
  return all
}

function positions({ first, stored, repeats, heads }: Committed, rowOf: number[], roomOf: number[]): Appended[] {
  const place: Appended[] = new Array(roomOf.length)
  for (const [n, id, seq] of repeats) place[n] = { id: formatId(id), seq, repeat: true }
  const left = new Array<number>(heads.length).fill(0)
  roomOf.forEach((room, n) => {
    if (place[n] === undefined) left[room]!++
  })
  let id = first
  roomOf.forEach((room, n) => {
    if (place[n] !== undefined) return
    place[n] = { id: formatId(id++), seq: heads[room]! - --left[room]!, repeat: false }
  })
  // Never tell an id that is not in the log.
  if (id !== first + stored) {
    throw new RotundaError('store_unavailable', `The database stored ${stored} of ${id - first} messages of a batch.`)
  }
  return rowOf.map((n) => n >= 0 ? place[n]! : { ...place[-1 - n]!, repeat: true })
}

function checkText({ room, kind, type, from, key, payload }: AppendMessage): void {
  for (const [name, value] of Object.entries({ room, kind, type, from, key, payload })) {
    if (typeof value === 'string' && (value.includes('\0') || !value.isWellFormed())) {
      throw new RotundaError('invalid_payload', `A message's ${name} has a NUL or half a surrogate pair in it.`)
    }
  }
}
