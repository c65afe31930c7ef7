import { CLOSE } from '../protocol/close_codes.ts'
import type { Frame } from '../protocol/codec.ts'
import type { Connection, Host, Limits, Peer, SendResult } from '../hub/mod.ts'
import type { Caller } from './caller.ts'
import { formatCursor } from './cursor_text.ts'
import { EventFrame, rawEvent } from './event_frame.ts'
import { HTTP_HOST } from './http_host.ts'
import { Outflow } from './outflow.ts'

const encoder = new TextEncoder()
const COMMENT = encoder.encode(':\n\n')
/** How long an EventSource waits before it comes back, in milliseconds: at random, so that not all come at once. */
const RETRY = { from: 1_000, to: 4_000 }

/** What a stream is told besides its frames. */
export interface StreamOptions {
  readonly caller: Caller
  readonly epoch: string
  /** The rooms of its URL, whose cursors are in the events' ids. */
  readonly rooms: readonly string[]
  readonly limits: Pick<Limits, 'highWaterMark' | 'pingInterval' | 'pongTimeout'>
  /** Told once, when the stream is over. */
  readonly onEnd: () => void
}

/** A stream of server-sent events as seen by the hub. */
export class StreamPeer implements Peer {
  readonly host: Host = HTTP_HOST
  readonly remoteAddress: string
  readonly remotePort: number
  readonly transport = 'sse'
  /** It sends comments by itself; a client that only listens is not idle. */
  readonly pingsItself = true
  /** Set when the hub has taken it over. */
  connection: Connection | undefined
  readonly #options: StreamOptions
  readonly #seqs: (number | undefined)[]
  readonly #outflow: Outflow
  #isQuiet = true
  #isOver = false

  constructor(options: StreamOptions) {
    this.remoteAddress = options.caller.address
    this.remotePort = options.caller.port
    this.#options = options
    this.#seqs = options.rooms.map(() => undefined)
    this.#outflow = new Outflow({ taken: () => this.connection?.drained(), lost: () => this.#end(CLOSE.abnormal, '') })
    const retry = Math.round(RETRY.from + Math.random() * (RETRY.to - RETRY.from))
    this.#outflow.write(encoder.encode(`retry: ${retry}\n\n`))
  }

  get stream(): ReadableStream<Uint8Array> {
    return this.#outflow.stream
  }

  get isOver(): boolean {
    return this.#isOver
  }

  get bufferedAmount(): number {
    return this.#isOver ? 0 : this.#outflow.buffered
  }

  send(frame: Frame): SendResult {
    if (this.#isOver) return 'closed'
    this.#isQuiet = false
    return this.#outflow.write(this.#events(frame)) ? 'accepted' : 'buffered'
  }

  /** Breaks a silence, and ends what takes nothing any more; called regularly. */
  beat(now: number): void {
    const { pingInterval, pongTimeout } = this.#options.limits
    if (this.bufferedAmount === 0) {
      if (this.#isQuiet && !this.#isOver) this.#outflow.write(COMMENT)
      this.#outflow.takenAt = now
    } else if (pingInterval > 0 && now - this.#outflow.takenAt > (pingInterval + pongTimeout) * 1000) {
      this.connection?.closeFor('pong_timeout', 'The stream takes nothing any more.')
    }
    this.#isQuiet = true
  }

  close(code: number, reason: string): void {
    if (this.#isOver) return
    const tooMuch = this.bufferedAmount > this.#options.limits.highWaterMark
    // Who reads too slowly, or not at all, would keep all of it in memory for as long as it likes.
    if (tooMuch || code === CLOSE.unresponsive) this.#outflow.drop()
    const payload = JSON.stringify({ code, reason })
    this.#outflow.write(encoder.encode(`data: {"type":"session.closed","payload":${payload}}\n\n`))
    this.#outflow.end()
    this.#end(code, reason)
  }

  terminate(): void {
    this.#outflow.drop()
    this.#outflow.end()
    this.#end(CLOSE.abnormal, '')
  }

  #end(code: number, reason: string): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#options.onEnd()
    // Who closes is not told in the midst of it.
    queueMicrotask(() => this.connection?.closed(code, reason))
  }

  #events(frame: Frame): Uint8Array {
    if (!(frame instanceof EventFrame)) return rawEvent(frame)
    const { rooms, epoch } = this.#options
    if (frame.room === undefined || rooms.length === 0) return frame
    const place = rooms.indexOf(frame.room)
    if (place < 0) return frame.withoutIds
    if (rooms.length === 1) return frame
    return frame.withIds((seq) => {
      this.#seqs[place] = seq
      return formatCursor({ epoch, seqs: this.#seqs })
    })
  }
}
