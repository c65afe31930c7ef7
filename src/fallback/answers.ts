const encoder = new TextEncoder()
const [OPEN, COMMA, CLOSE] = ['[', ',', ']'].map((text) => encoder.encode(text)) as [Uint8Array, Uint8Array, Uint8Array]
const JSON_TYPE = 'application/json; charset=utf-8'

/** The header that says where the next poll goes on. */
export const CURSOR_HEADER = 'Rotunda-Cursor'

/** Envelopes as a JSON array. */
export function answerArray(frames: readonly Uint8Array[], cursor?: string | number, status = 200): Response {
  const headers = new Headers({ 'content-type': JSON_TYPE, 'cache-control': 'no-store' })
  if (cursor !== undefined) headers.set(CURSOR_HEADER, String(cursor))
  return new Response(arrayOf(frames), { status, headers })
}

/** Says that what was sent was taken. */
export function answerQueued(session: string): Response {
  return Response.json({ status: 'queued', session_id: session }, {
    status: 202,
    headers: { 'content-type': JSON_TYPE, 'cache-control': 'no-store' },
  })
}

function arrayOf(frames: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const parts = [OPEN, ...frames.flatMap((frame, i) => (i === 0 ? [frame] : [COMMA, frame])), CLOSE]
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.byteLength, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.byteLength
  }
  return bytes
}
