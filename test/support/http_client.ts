import type { Envelope } from '../../src/protocol/mod.ts'
import type { Welcome } from '../../src/protocol/reserved.ts'

/** Answers requests: a server behind a network, or a router in this process. */
export type Ask = (path: string, init?: RequestInit) => Promise<Response>

/** One server-sent event. */
export interface ServerEvent {
  readonly id: string | undefined
  readonly event: string | undefined
  readonly data: string
}

const PATIENCE = 20_000

/** Asks a server that listens. */
export function askServer(url: string): Ask {
  return (path, init) => fetch(`${url}${path}`, init)
}

/** A body of `POST /send`. */
export function sending(body: unknown, headers: Record<string, string> = {}): RequestInit {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: text }
}

/** The code of an error's answer; checks that it has the form of one. */
export async function errorCode(response: Response): Promise<string> {
  const body = await response.json() as { type?: string; payload?: { code?: string; message?: string } }
  if (body.type !== 'error' || typeof body.payload?.message !== 'string') {
    throw new Error(`Not an error: ${response.status} ${JSON.stringify(body)}`)
  }
  return `${response.status} ${body.payload.code}`
}

/** A stream of events, read as they come. */
export class EventReader {
  readonly response: Response
  /** Everything so far. */
  readonly events: ServerEvent[] = []
  /** Comments and fields that are not events. */
  readonly lines: string[] = []
  readonly ended: Promise<void>
  isOver = false
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>
  #waiters: (() => void)[] = []
  #rest = ''

  constructor(response: Response) {
    this.response = response
    this.#reader = response.body!.getReader()
    this.ended = this.#read()
  }

  static async open(ask: Ask, query = '', headers: Record<string, string> = {}): Promise<EventReader> {
    const response = await ask(`/sse${query}`, { headers })
    if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`)
    return new EventReader(response)
  }

  get envelopes(): Envelope[] {
    return this.events.filter(({ event }) => event === undefined).map(({ data }) => JSON.parse(data))
  }

  get lastEventId(): string | undefined {
    return this.events.findLast(({ id }) => id !== undefined)?.id
  }

  /** Seqs of a room's durable messages so far. */
  seqs(room: string): number[] {
    return this.envelopes.filter((envelope) => envelope.room === room && envelope.seq !== undefined).map((e) => e.seq!)
  }

  async welcome(): Promise<Welcome & { credential: string }> {
    return (await this.next({ type: 'session.welcome' })).payload as Welcome & { credential: string }
  }

  /** The first envelope with these fields, now or as soon as it comes. */
  async next(fields: Partial<Envelope>): Promise<Envelope> {
    const fits = (envelope: Envelope) => {
      return Object.entries(fields).every(([name, value]) => envelope[name as keyof Envelope] === value)
    }
    await this.until(() => this.envelopes.some(fits), JSON.stringify(fields))
    return this.envelopes.find(fits)!
  }

  /** Waits until what has come satisfies the test. */
  async until(test: () => boolean, what = 'what was waited for'): Promise<void> {
    const deadline = Date.now() + PATIENCE
    while (!test()) {
      if (this.isOver || Date.now() > deadline) {
        const last = this.events.slice(-5).map(({ data }) => data.slice(0, 200)).join('\n')
        throw new Error(`The stream ${this.isOver ? 'ended' : 'is silent'} without ${what}; the last events:\n${last}`)
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 1_000)
        this.#waiters.push(() => {
          clearTimeout(timer)
          resolve()
        })
      })
    }
  }

  /** Goes away. */
  async close(): Promise<void> {
    await this.#reader.cancel().catch(() => {})
    await this.ended
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder()
    try {
      for (let read = await this.#reader.read(); !read.done; read = await this.#reader.read()) {
        this.#take(decoder.decode(read.value, { stream: true }))
        for (const wake of this.#waiters.splice(0)) wake()
      }
    } catch {
      // The connection broke: the same end.
    }
    this.isOver = true
    for (const wake of this.#waiters.splice(0)) wake()
  }

  #take(text: string): void {
    const blocks = (this.#rest + text).split('\n\n')
    this.#rest = blocks.pop()!
    for (const block of blocks) {
      const lines = block.split('\n')
      const field = (name: string) =>
        lines.filter((line) => line.startsWith(`${name}: `)).map((line) => line.slice(name.length + 2))
      const data = field('data')
      if (data.length > 0) this.events.push({ id: field('id')[0], event: field('event')[0], data: data.join('\n') })
      else this.lines.push(...lines)
    }
  }
}

/** A session that is polled, by a client that sends back where it stands. */
export class Poller {
  readonly welcome: Welcome & { credential: string }
  readonly received: Envelope[] = []
  cursor: string
  readonly #ask: Ask

  private constructor(ask: Ask, welcome: Welcome & { credential: string }, cursor: string) {
    this.#ask = ask
    this.welcome = welcome
    this.cursor = cursor
  }

  static async open(ask: Ask, query = '', headers: Record<string, string> = {}): Promise<Poller> {
    const response = await ask(`/poll${query}`, { method: 'POST', headers })
    if (response.status !== 201) throw new Error(`${response.status} ${await response.text()}`)
    const [welcome, ...more] = await response.json() as Envelope[]
    const poller = new Poller(ask, welcome!.payload as Welcome & { credential: string }, cursorOf(response))
    poller.received.push(...more)
    return poller
  }

  get query(): string {
    return `session=${this.welcome.credential}`
  }

  /** One poll; keeps and gives what came. */
  async poll({ wait = 5, max = 50 }: { wait?: number; max?: number } = {}): Promise<Envelope[]> {
    const response = await this.#ask(`/poll?${this.query}&cursor=${this.cursor}&wait=${wait}&max=${max}`)
    if (response.status !== 200) throw new Error(await errorCode(response))
    this.cursor = cursorOf(response)
    const came = await response.json() as Envelope[]
    this.received.push(...came)
    return came
  }

  async send(body: unknown): Promise<Response> {
    return await this.#ask('/send', sending(body, { 'rotunda-session': this.welcome.credential }))
  }

  /** Polls until an envelope with these fields is there. */
  async next(fields: Partial<Envelope>): Promise<Envelope> {
    const fits = (envelope: Envelope) => {
      return Object.entries(fields).every(([name, value]) => envelope[name as keyof Envelope] === value)
    }
    const deadline = Date.now() + PATIENCE
    while (!this.received.some(fits)) {
      if (Date.now() > deadline) {
        throw new Error(`${JSON.stringify(fields)} did not come: ${JSON.stringify(this.received)}`)
      }
      await this.poll()
    }
    return this.received.find(fits)!
  }

  seqs(room: string): number[] {
    return this.received.filter((envelope) => envelope.room === room && envelope.seq !== undefined).map((e) => e.seq!)
  }
}

export function cursorOf(response: Response): string {
  const cursor = response.headers.get('rotunda-cursor')
  if (cursor === null) throw new Error('The answer has no Rotunda-Cursor.')
  return cursor
}
