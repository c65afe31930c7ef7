import { bitsOf, type Frame, FRAME_OPCODE } from './frame.ts'
import { FrameError } from './frame_error.ts'
import { checkedSize, shapeError } from './frame_rules.ts'
import { Gathered } from './gathered.ts'
import { readClosePayload } from './close_payload.ts'
import { decodeUtf8 } from './utf8.ts'

/** What frames come to. After `close` and `error` nothing follows. */
export type Received =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'binary' | 'ping' | 'pong'; readonly bytes: Uint8Array }
  | { readonly type: 'close'; readonly code: number; readonly reason: string }
  | { readonly type: 'error'; readonly error: FrameError }

/** What an assembler takes. */
export interface MessageOptions {
  /** Most bytes of a message, over all of its fragments, up to 268,435,456. Default 1,048,576. */
  readonly maxMessageSize?: number | undefined
}

/**
 * Makes messages of frames: puts fragments together, lets control frames through between them, checks that text is
 * UTF-8 and what closes are made of. It never throws at what a peer sent.
 *
 * @example
 * ```ts
 * for (const frame of decoder.decode(chunk).frames) {
 *   const received = assembler.add(frame)
 *   if (received?.type === 'text') console.log(received.text)
 *   if (received?.type === 'error') socket.end(Frame.close(received.error.closeCode).encode())
 * }
 * ```
 */
export class MessageAssembler {
  readonly #maxMessageSize: number
  readonly #fragments = new Gathered()
  /** Opcode of the message whose fragments are coming. */
  #opcode: number | undefined
  #isClosed = false
  #failure: Received | undefined

  /** @throws {RotundaError} `invalid_config` */
  constructor(options: MessageOptions = {}) {
    this.#maxMessageSize = checkedSize('maxMessageSize', options.maxMessageSize)
  }

  /** Bytes of memory held for a message that is not complete: at most twice what has arrived, and `maxMessageSize`. */
  get heldBytes(): number {
    return this.#fragments.held
  }

  /**
   * Takes the next frame. Gives what it completes; undefined where a message goes on, and after a close. After an error
   * it is that error again. Bytes may be the frame's own.
   */
  add(frame: Frame): Received | undefined {
    if (this.#failure !== undefined) return this.#failure
    if (this.#isClosed) return undefined
    const { opcode, payload } = frame
    const error = shapeError(bitsOf(frame), payload.length)
    if (error !== undefined) return this.#fail(error)
    if (opcode === FRAME_OPCODE.ping) return { type: 'ping', bytes: payload }
    if (opcode === FRAME_OPCODE.pong) return { type: 'pong', bytes: payload }
    return opcode === FRAME_OPCODE.close ? this.#close(payload) : this.#data(frame)
  }

  #close(payload: Uint8Array): Received {
    const status = readClosePayload(payload)
    if (status instanceof FrameError) return this.#fail(status)
    this.#isClosed = true
    this.#fragments.take()
    return { type: 'close', ...status }
  }

  #data({ opcode, payload, fin }: Frame): Received | undefined {
    const begun = this.#opcode
    const isFirst = opcode !== FRAME_OPCODE.continuation
    if (isFirst && begun !== undefined) {
      return this.#fail(new FrameError(1002, `A message (opcode ${opcode}) begins within another.`))
    }
    if (!isFirst && begun === undefined) return this.#fail(new FrameError(1002, 'A fragment continues no message.'))
    const size = this.#fragments.size + payload.length
    if (size > this.#maxMessageSize) {
      return this.#fail(new FrameError(1009, `A message is larger than ${this.#maxMessageSize} bytes.`))
    }
    const kind = begun ?? opcode
    if (isFirst && fin) return this.#message(kind, payload)
    this.#fragments.append(payload, 0, payload.length, this.#maxMessageSize)
    this.#opcode = fin ? undefined : kind
    return fin ? this.#message(kind, this.#fragments.take()) : undefined
  }

  #message(opcode: number, bytes: Uint8Array): Received {
    if (opcode === FRAME_OPCODE.binary) return { type: 'binary', bytes }
    const text = decodeUtf8(bytes)
    return text === undefined
      ? this.#fail(new FrameError(1007, 'A text message is not UTF-8.'))
      : { type: 'text', text }
  }

  #fail(error: FrameError): Received {
    this.#failure = { type: 'error', error }
    this.#fragments.take()
    return this.#failure
  }
}
