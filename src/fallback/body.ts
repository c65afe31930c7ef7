import { RotundaError } from '../protocol/errors.ts'
import { quote } from '../protocol/names.ts'

/** How long a body may take to arrive, in milliseconds: not every runtime gives up on one that never ends. */
const BODY_TIME = 10_000

/**
 * Reads the body of a request as JSON text.
 * @param most Bytes that it may have.
 * @throws {RotundaError} As rejection: `invalid_frame`, `invalid_json`, `message_too_big`, `idle_timeout`.
 */
export async function readBody(request: Request, most: number): Promise<string> {
  const type = request.headers.get('content-type') ?? ''
  // Pages of other origins can send all else without being asked first, with the cookies of who looks at them.
  if (!/^application\/json\s*(?:;|$)/i.test(type.trim())) {
    throw new RotundaError('invalid_frame', `Content-Type is ${quote(type)}; it must be "application/json".`)
  }
  const bytes = await inTime(readBytes(request, most))
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new RotundaError('invalid_json', 'The body is not UTF-8.', { cause })
  }
}

async function inTime(reading: Promise<Uint8Array>): Promise<Uint8Array> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    const error = new RotundaError('idle_timeout', `The body did not arrive within ${BODY_TIME / 1000} s.`)
    timer = setTimeout(() => reject(error), BODY_TIME)
  })
  try {
    return await Promise.race([reading, late])
  } finally {
    clearTimeout(timer)
  }
}

async function readBytes(request: Request, most: number): Promise<Uint8Array> {
  const tooBig = () => new RotundaError('message_too_big', `A body may have ${most} bytes.`)
  const length = Number(request.headers.get('content-length') ?? NaN)
  if (length > most) throw tooBig()
  if (length <= most) return new Uint8Array(await arrayBufferOf(request))
  if (request.body === null) return new Uint8Array()
  const chunks: Uint8Array[] = []
  let size = 0
  // Leaving the loop cancels what is not read.
  for await (const chunk of request.body) {
    size += chunk.byteLength
    if (size > most) throw tooBig()
    chunks.push(chunk)
  }
  const bytes = new Uint8Array(size)
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.byteLength
  }
  return bytes
}

/** A client that goes away in the midst of its body is no failure of the server. */
async function arrayBufferOf(request: Request): Promise<ArrayBuffer> {
  try {
    return await request.arrayBuffer()
  } catch (cause) {
    throw new RotundaError('invalid_json', 'The body did not arrive as a whole.', { cause })
  }
}
