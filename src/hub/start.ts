import type { Gap, JoinRequest } from '../protocol/reserved.ts'
import type { RoomExtent } from '../storage/store.ts'
import { aheadGap, epochGap } from './gap.ts'

/** Where a join starts reading a room whose live members were served up to `head`, and what it cannot be given. */
export function startOf(
  { since, last }: JoinRequest,
  extent: RoomExtent,
  head: number,
  epoch: string,
): { readonly cursor: number; readonly gap?: Gap } {
  if (since === undefined) return { cursor: Math.min(head, Math.max(extent.trimmed, head - (last ?? 0))) }
  if (since.epoch !== epoch) return { cursor: 0, gap: epochGap(epoch) }
  if (since.seq > extent.head) return { cursor: extent.head, gap: aheadGap(since.seq, extent.head, epoch) }
  return { cursor: since.seq }
}
