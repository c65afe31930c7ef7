import { RotundaError } from '../protocol/errors.ts'
import { quote } from '../protocol/names.ts'

const SEQ = /^\d{1,16}$/
const MOST = 8_192

/** Where a reader of several rooms stands: one seq for each, undefined for a room it is not in yet. */
export interface RoomsCursor {
  readonly epoch: string
  readonly seqs: readonly (number | undefined)[]
}

/** As `e1:12,3,-`. */
export function formatCursor({ epoch, seqs }: RoomsCursor): string {
  return `${encodeURIComponent(epoch)}:${seqs.map((seq) => seq ?? '-').join(',')}`
}

/**
 * @param rooms How many rooms it must be for.
 * @throws {RotundaError} `invalid_cursor`
 */
export function parseCursor(text: string, rooms: number): RoomsCursor {
  const [epoch, list = ''] = text.length > MOST ? [] : text.split(':')
  const seqs = list.split(',').map((seq) => (seq === '-' ? undefined : SEQ.test(seq) ? Number(seq) : NaN))
  const decoded = epoch === undefined ? undefined : decode(epoch)
  const isWhole = seqs.every((seq) => seq === undefined || Number.isSafeInteger(seq))
  if (decoded !== undefined && isWhole && seqs.length === rooms && text.split(':').length === 2) {
    return { epoch: decoded, seqs }
  }
  throw new RotundaError(
    'invalid_cursor',
    `${quote(text)} is not a cursor of ${rooms === 1 ? 'one room' : `${rooms} rooms`}.`,
  )
}

function decode(epoch: string): string | undefined {
  try {
    return decodeURIComponent(epoch)
  } catch {
    return undefined
  }
}
