import { CLOSE } from '../protocol/close_codes.ts'
import type { Frame } from '../protocol/codec.ts'
import { isErrorCode, RotundaError } from '../protocol/errors.ts'
import type { Connection, Host, Peer, SendResult } from '../hub/mod.ts'
import type { Caller } from './caller.ts'
import { EnvelopeFrame } from './envelope_frame.ts'
import { HTTP_HOST } from './http_host.ts'

/** What a request was answered with. */
export interface Collected {
  /** Answers to envelopes with a `ref`, and errors about others. */
  readonly frames: readonly EnvelopeFrame[]
  /** The first error among them. */
  readonly error: RotundaError | undefined
  /** The close code, when the session was ended before all was answered. */
  readonly closedWith: number | undefined
}

/** A session that lives for one request, as seen by the hub: of what it is sent it keeps the answers. */
export class RequestPeer implements Peer {
  readonly host: Host = HTTP_HOST
  readonly remoteAddress: string
  readonly remotePort: number
  readonly transport = 'send'
  readonly bufferedAmount = 0
  readonly pingsItself = true
  /** Set when the hub has taken it over. */
  connection: Connection | undefined
  readonly #frames: EnvelopeFrame[] = []
  readonly #expected = new Map<string, number>()
  #error: RotundaError | undefined
  #isHandled = false
  #isOver = false
  #closedWith: number | undefined
  #done: (() => void) | undefined

  constructor(caller: Caller) {
    this.remoteAddress = caller.address
    this.remotePort = caller.port
  }

  send(frame: Frame): SendResult {
    if (this.#isOver) return 'closed'
    if (frame instanceof EnvelopeFrame) this.#collect(frame)
    return 'accepted'
  }

  close(code: number, reason: string): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#closedWith = code
    this.#done?.()
    queueMicrotask(() => this.connection?.closed(code, reason))
  }

  terminate(): void {
    this.close(CLOSE.abnormal, '')
  }

  /**
   * Hands a frame over and collects what it is answered with, at most for so many milliseconds.
   * @param refs References of its envelopes, each of which is answered.
   */
  async ask(connection: Connection, frame: string, refs: readonly string[], milliseconds: number): Promise<Collected> {
    this.connection = connection
    for (const ref of refs) this.#expected.set(ref, (this.#expected.get(ref) ?? 0) + 1)
    connection.onIdle = () => this.#handled()
    connection.receive(frame)
    if (connection.inbound === undefined) this.#handled()
    await this.#finished(milliseconds)
    connection.onIdle = undefined
    const closedWith = this.#closedWith
    this.close(CLOSE.normal, '')
    return { frames: this.#frames, error: this.#error, closedWith }
  }

  #finished(milliseconds: number): Promise<void> {
    if (this.#isDone) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds)
      this.#done = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  get #isDone(): boolean {
    return this.#isOver || this.#isHandled && this.#expected.size === 0
  }

  #handled(): void {
    this.#isHandled = true
    if (this.#isDone) this.#done?.()
  }

  #collect(frame: EnvelopeFrame): void {
    const { ref, kind, type } = frame
    if (kind === 'request') return
    const count = ref === undefined ? 0 : this.#expected.get(ref) ?? 0
    if (count === 0 && type !== 'error') return
    if (type === 'error') this.#error ??= errorOf(frame)
    this.#frames.push(frame)
    if (count > 1) this.#expected.set(ref!, count - 1)
    else if (count === 1) this.#expected.delete(ref!)
    if (this.#isDone) this.#done?.()
  }
}

function errorOf(frame: EnvelopeFrame): RotundaError {
  const { payload } = JSON.parse(new TextDecoder().decode(frame)) as { payload: { code: unknown; message: string } }
  return new RotundaError(isErrorCode(payload.code) ? payload.code : 'internal', payload.message)
}
