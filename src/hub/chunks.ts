import type { EncodedEnvelope } from '../protocol/envelope.ts'
import { MAX_BATCH } from '../protocol/json_codec.ts'

/** Payload characters after which a batch frame is cut, so that common clients' frame limits (1 MiB) hold. */
const CHUNK_TEXT = 256 * 1024

/** Cuts a batch into pieces that each fit one frame; a single large envelope is a piece of its own. */
export function chunk<E extends EncodedEnvelope>(batch: readonly E[]): (readonly E[])[] {
  const pieces: (readonly E[])[] = []
  let start = 0
  let text = 0
  for (let i = 0; i < batch.length; i++) {
    const length = batch[i]!.payload.length
    if (i > start && (i - start >= MAX_BATCH || text + length > CHUNK_TEXT)) {
      pieces.push(batch.slice(start, i))
      start = i
      text = 0
    }
    text += length
  }
  if (start === 0) return batch.length === 0 ? [] : [batch]
  pieces.push(batch.slice(start))
  return pieces
}
