import type { TransportSocket } from './transport.ts'

/** How requests are made. */
export interface HttpOptions {
  /** Makes the requests. Default: the global `fetch`. */
  readonly fetch?: typeof fetch
  /** `include` for cookies of another origin, which must be among the server's `fallback.origins`. */
  readonly credentials?: RequestCredentials
}

/** Characters of one request; of three bytes each at most, and each envelope has more than 24. */
const MOST = 12_000
/** How long what was sent before closing may take to leave, in milliseconds. */
const FAREWELL = 2_000

const PROTOCOL = 'rotunda.token.'

interface Control {
  readonly type: string
  readonly payload: { readonly credential: string; readonly code: number; readonly reason: string }
}

/**
 * A socket over HTTP: what is sent leaves by `POST /send`, one request at a time; what comes is up to who extends it.
 * Whatever goes wrong closes it with 1006, as it does a WebSocket: what it means is found out by connecting again.
 */
export abstract class HttpSocket extends EventTarget implements TransportSocket {
  binaryType = ''
  readonly protocol = ''
  bufferedAmount = 0
  onmessage: TransportSocket['onmessage'] = null
  onclose: TransportSocket['onclose'] = null
  onerror: TransportSocket['onerror'] = null
  protected isOver = false
  /** Aborted when nothing more is wanted. */
  protected readonly gone: AbortController = new AbortController()
  readonly #url: string
  readonly #options: HttpOptions
  #token: string | undefined
  #credential: string | undefined
  #largest = MOST
  #queue: string[] = []
  #sending: Promise<void> | undefined

  constructor(url: string, protocols: string[], options: HttpOptions) {
    super()
    this.#url = url.replace(/^ws/, 'http')
    this.#options = options
    this.#token = protocols.find((protocol) => protocol.startsWith(PROTOCOL))?.slice(PROTOCOL.length)
    queueMicrotask(() => {
      this.run().then(() => this.end(1006, ''), (error) => this.end(1006, String(error.message)))
    })
  }

  /** Connects and takes what comes, for as long as it lasts. */
  protected abstract run(): Promise<void>
  /** Tells the server that this has ended, where it does not notice. */
  protected leave(): void {}

  send(frame: string): void {
    if (this.isOver) return
    // Each request is known by its token, and an old one would not do any more.
    if (frame.includes('"session.auth"')) this.#token = /"token":"([^"]*)"/.exec(frame)?.[1] ?? this.#token
    this.bufferedAmount += frame.length
    this.#queue.push(frame)
    this.#sending ??= this.#sendAll()
  }

  close(code = 1000, reason = ''): void {
    if (this.isOver) return
    const timer = setTimeout(() => this.gone.abort(), FAREWELL)
    this.isOver = true
    void (this.#sending ?? Promise.resolve()).then(() => {
      clearTimeout(timer)
      this.gone.abort()
      if (this.#credential) this.leave()
      this.#emit('close', { code, reason })
    })
  }

  /** @throws as rejection when it is not answered; with its `status` when it is refused. */
  protected async ask(endpoint: string, parameters: Record<string, string>, init: RequestInit): Promise<Response> {
    const { fetch = globalThis.fetch, credentials = 'same-origin' } = this.#options
    const url = new URL(this.#url)
    url.pathname = url.pathname.replace(/[^/]*$/, endpoint)
    for (const name in parameters) url.searchParams.set(name, parameters[name]!)
    const headers: Record<string, string> = {}
    if (init.body) headers['content-type'] = 'application/json'
    if (this.#credential) headers['rotunda-session'] = this.#credential
    if (this.#token) headers['authorization'] = `Bearer ${this.#token}`
    const response = await fetch(url, { cache: 'no-store', signal: this.gone.signal, credentials, headers, ...init })
    if (response.ok) return response
    throw Object.assign(new Error((await response.text()).slice(0, 100)), { status: response.status })
  }

  /** A frame, of one envelope or an array of them. */
  protected receive(data: string): void {
    if (this.isOver) return
    let closed: Control | undefined
    if (data.includes('"session.')) {
      for (const control of [JSON.parse(data)].flat() as Control[]) {
        const { type, payload } = control
        if (type === 'session.welcome') {
          this.#credential = payload.credential
          this.#largest = Math.min(MOST, (payload as unknown as { maxMessageSize: number }).maxMessageSize / 3)
        } else if (type === 'session.closed') closed = control
      }
    }
    this.#emit('message', { data })
    if (closed) this.end(closed.payload.code, closed.payload.reason)
  }

  /** What is not an envelope. */
  protected receiveRaw(data: string | ArrayBuffer): void {
    this.#emit('message', { data })
  }

  protected end(code: number, reason: string): void {
    if (this.isOver) return
    this.isOver = true
    this.gone.abort()
    this.#emit('close', { code, reason })
  }

  async #sendAll(): Promise<void> {
    try {
      while (this.#queue.length > 0) {
        const body = this.#next()
        await (await this.ask('send', {}, { method: 'POST', body })).arrayBuffer()
        this.bufferedAmount -= body.length
      }
      this.#sending = undefined
      this.bufferedAmount = 0
    } catch (error) {
      this.end(1006, String((error as Error).message))
    }
  }

  /** As many frames as one request takes, in one. */
  #next(): string {
    let size = 0
    const fits = (frame: string, i: number) => (size += frame.length + 1) <= this.#largest || i === 0
    const count = this.#queue.findIndex((frame, i) => !fits(frame, i))
    const frames = this.#queue.splice(0, count < 0 ? this.#queue.length : count)
    return frames.length === 1 ? frames[0]! : `[${frames.map((frame) => frame.replace(/^\[|\]$/g, '')).join()}]`
  }

  #emit(type: 'message' | 'close', detail: object): void {
    const event = Object.assign(new Event(type), detail) // Whichever of the two it is, it has what its handler takes.
    ;(this[`on${type}`] as ((event: unknown) => void) | null)?.(event)
    this.dispatchEvent(event)
  }
}
