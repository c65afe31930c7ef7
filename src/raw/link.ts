import type { Frame } from '../protocol/codec.ts'
import { asRotundaError, type ErrorCode, ERRORS, RotundaError } from '../protocol/errors.ts'
import { checkCloseCode, type Executor, fitReason, type Peer, type Receiver, type SendResult } from '../hub/mod.ts'
import { HandlerSets, type RawHandlers } from './handlers.ts'
import { Inbox } from './inbox.ts'
import type { RawLimits } from './limits.ts'
import { frameOf, type RawMode } from './outgoing.ts'
import type { RawConnection } from './raw_connection.ts'

/** What a link works with. */
export interface LinkOwner {
  readonly limits: RawLimits
  readonly executor: Executor
  ended(id: string): void
  report(error: unknown): void
}

/** What has gone over a connection. */
interface Counts {
  framesIn: number
  bytesIn: number
  framesOut: number
  bytesOut: number
}

/** The service's side of a connection. Applications see it as a `RawConnection`. */
export class Link<M> implements Receiver {
  readonly id: string = crypto.randomUUID()
  readonly owner: LinkOwner
  readonly peer: Peer
  readonly inbox: Inbox
  readonly handlers: HandlerSets<M> = new HandlerSets()
  readonly connectedAt: number = Date.now()
  readonly counts: Counts = { framesIn: 0, bytesIn: 0, framesOut: 0, bytesOut: 0 }
  /** What the application holds. */
  connection!: RawConnection<M>
  state: 'open' | 'closing' | 'closed' = 'open'
  mode: RawMode = 'binary'
  lastReceivedAt: number = this.connectedAt
  lastPingAt: number = this.connectedAt
  lastPongAt: number = this.connectedAt
  closingAt = 0
  /** How it ends: as asked for here, or as the transport said. */
  end: { readonly code: number; readonly reason: string } | undefined
  /** Whether `send` has said that too much waits, and nobody was told yet that it no longer does. */
  #congested = false
  #flushing = false

  constructor(owner: LinkOwner, peer: Peer) {
    this.owner = owner
    this.peer = peer
    this.inbox = new Inbox(owner.limits)
  }

  get isUsable(): boolean {
    return this.state === 'open'
  }

  /** Whether sending should wait. */
  get isCongested(): boolean {
    return this.#congested && this.isUsable
  }

  /** A frame goes to who is reading, else to the data handlers, else it waits for either. */
  receive(received: Frame): void {
    if (!this.isUsable) return
    const frame = plain(received)
    const bytes = this.#length(frame)
    this.lastReceivedAt = Date.now()
    this.counts.framesIn += 1
    this.counts.bytesIn += bytes
    if (this.inbox.give(frame)) return
    if (!this.inbox.hold(bytes)) {
      const { maxInboundQueue, maxInboundBytes } = this.owner.limits
      const message = `More than ${maxInboundQueue} frames or ${maxInboundBytes} bytes wait to be read.`
      return this.closeFor('inbound_overflow', message)
    }
    if (this.inbox.isEmpty && this.handlers.has('data')) this.#hand(frame, bytes)
    else this.inbox.push(frame, bytes)
  }

  /** Hands what waits to the data handlers, when whoever has just added one is done. */
  flush(): void {
    if (this.#flushing || this.inbox.isEmpty) return
    this.#flushing = true
    queueMicrotask(() => {
      this.#flushing = false
      while (this.handlers.has('data')) {
        const first = this.inbox.shift()
        if (first === undefined) return
        this.#hand(first.frame, first.bytes)
      }
    })
  }

  drained(): void {
    if (this.#isRelieved(this.peer.bufferedAmount)) this.tell('drain')
  }

  pinged(data: Uint8Array): void {
    this.lastReceivedAt = Date.now()
    this.tell('ping', data)
  }

  ponged(data: Uint8Array): void {
    this.lastReceivedAt = this.lastPongAt = Date.now()
    this.tell('pong', data)
  }

  closed(code: number, reason: string): void {
    if (this.state === 'closed') return
    this.state = 'closed'
    this.end = { code, reason }
    this.owner.ended(this.id)
    this.inbox.end()
    this.tell('close', code, reason)
  }

  send(data: string | Uint8Array): SendResult {
    const frame = frameOf(data, this.mode)
    if (!this.isUsable) return 'closed'
    const { highWaterMark, hardLimit } = this.owner.limits
    const result = this.peer.send(frame)
    if (result === 'closed') return 'closed'
    this.counts.framesOut += 1
    this.counts.bytesOut += typeof data === 'string' ? this.#length(frame) : data.byteLength
    const waiting = result === 'accepted' ? 0 : this.peer.bufferedAmount
    if (waiting > hardLimit) {
      this.closeFor('slow_consumer', `More than ${hardLimit} bytes wait to be read.`)
      return 'closed'
    }
    if (waiting > highWaterMark) this.#congested = true
    // What waited may have gone out with this frame, of which the transport need not tell.
    else if (this.#isRelieved(waiting)) queueMicrotask(() => this.#congested || this.tell('drain'))
    return this.#congested ? 'buffered' : 'accepted'
  }

  close(code: number, reason: string): void {
    checkCloseCode(code)
    if (!this.isUsable) return
    this.state = 'closing'
    this.closingAt = Date.now()
    this.end = { code, reason: fitReason(reason) }
    this.inbox.clear()
    this.inbox.end()
    this.peer.close(code, this.end.reason)
  }

  /** Closes with the code that the error table gives. */
  closeFor(code: ErrorCode, message: string): void {
    this.close(ERRORS[code].close, message)
  }

  /** Calls the handlers of one kind with what they are given beside the connection. */
  tell<K extends keyof RawHandlers<M>>(name: K, ...details: Details<M, K>): void {
    for (const handler of this.handlers.get(name)) {
      void this.run(() => (handler as (...args: unknown[]) => unknown)(this.connection, ...details))
    }
  }

  /** Calls code of the application. Its failure ends the connection; what it returns is awaited when the hub closes. */
  run(call: () => unknown): Promise<void> | undefined {
    try {
      const result = call()
      if (!isThenable(result)) return undefined
      return this.owner.executor.track(Promise.resolve(result).then(() => {}, (error) => this.#fail(error)))
    } catch (error) {
      this.#fail(error)
      return undefined
    }
  }

  /** Why nothing more can be read. */
  closedError(): RotundaError {
    const { code = 0, reason = '' } = this.end ?? {}
    return new RotundaError('closed', `The connection was closed with ${code}${reason === '' ? '.' : `: ${reason}`}`)
  }

  #hand(frame: Frame, bytes: number): void {
    const handling: Promise<void>[] = []
    for (const handler of this.handlers.get('data')) {
      // One that failed, or closed, has ended it for all.
      if (this.state === 'closing') break
      const running = this.run(() => handler(this.connection, frame))
      if (running !== undefined) handling.push(running)
    }
    const release = () => this.inbox.release(bytes)
    if (handling.length === 0) release()
    else void Promise.all(handling).then(release)
  }

  /**
   * Ends the connection for what code of the application threw: with the code of a RotundaError and its message, else
   * with 1011. Its error handlers are told, or without any those of the hub of what nobody expected.
   */
  #fail(thrown: unknown): void {
    // It went on reading or waiting, and was told that there is nothing more.
    if (!this.isUsable && thrown instanceof RotundaError && thrown.code === 'closed') return
    const error = asRotundaError(thrown)
    const isExpected = error.code !== 'internal'
    const handlers = this.handlers.get('error')
    if (handlers.length === 0 && !isExpected) this.owner.report(thrown)
    for (const handler of handlers) this.#tellError(handler, thrown)
    // What fails at one frame is not given the next, also when the client has left already.
    this.inbox.clear()
    this.close(ERRORS[error.code].close, isExpected ? error.message : 'The server failed.')
  }

  /** An error handler that fails cannot be told of that. */
  #tellError(handler: RawHandlers<M>['error'], thrown: unknown): void {
    try {
      const result = handler(this.connection, thrown)
      if (!isThenable(result)) return
      void this.owner.executor.track(
        Promise.resolve(result).then(() => {}, (failure) => this.owner.report(failure)),
      )
    } catch (failure) {
      this.owner.report(failure)
    }
  }

  /** Whether too much waited until now. */
  #isRelieved(waiting: number): boolean {
    if (!this.#congested || waiting > this.owner.limits.highWaterMark / 2) return false
    this.#congested = false
    return true
  }

  #length(frame: Frame): number {
    return typeof frame === 'string' ? this.peer.host.byteLength(frame) : frame.byteLength
  }
}

type Details<M, K extends keyof RawHandlers<M>> = Parameters<RawHandlers<M>[K]> extends [unknown, ...infer Rest] ? Rest
  : never

/** Bytes as the same class on every host: Bun's are a Buffer, whose methods differ. */
function plain(frame: Frame): Frame {
  if (typeof frame === 'string' || frame.constructor === Uint8Array) return frame
  return new Uint8Array(frame.buffer, frame.byteOffset, frame.byteLength)
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function'
}
