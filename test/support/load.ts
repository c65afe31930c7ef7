import type { Envelope } from '../../src/protocol/mod.ts'
import { WireClient } from './wire_client.ts'

/** A message that was acknowledged. */
export interface Acked {
  readonly text: string
  readonly id: string
  readonly seq: number
}

/** Publishes to a room without end, every message under a key of its own until it is acknowledged. */
export class Publisher {
  readonly acked: Acked[] = []
  /** Codes of the errors that were answered, with `retryable`. */
  readonly errors: { readonly code: string; readonly retryable: boolean }[] = []
  readonly #client: WireClient
  readonly #room: string
  readonly #name: string
  #stopping = false
  #running: Promise<void>[] = []
  #watchers: (() => void)[] = []

  private constructor(client: WireClient, room: string, name: string) {
    this.#client = client
    this.#room = room
    this.#name = name
  }

  /** Starts with so many messages on their way at once. */
  static async start(port: number, room: string, name: string, abreast = 8): Promise<Publisher> {
    const publisher = new Publisher(await WireClient.open(port), room, name)
    publisher.#running = Array.from({ length: abreast }, (_, lane) => publisher.#run(`${name}.${lane}`))
    // A lane that fails is told of by `stop`.
    for (const lane of publisher.#running) lane.catch(() => publisher.#wake())
    return publisher
  }

  /** Resolves when it is so; asked again after every answer. */
  async until(condition: (publisher: Publisher) => boolean): Promise<void> {
    while (!condition(this)) {
      await Promise.race([new Promise<void>((resolve) => this.#watchers.push(resolve)), this.#failed()])
    }
  }

  /** Starts no message any more; resolves when all that it started are acknowledged. */
  async stop(): Promise<void> {
    this.#stopping = true
    await Promise.all(this.#running)
    await this.#client.close()
  }

  async #run(lane: string): Promise<void> {
    for (let n = 1; !this.#stopping; n++) await this.#publish(`${lane}.${n}`)
  }

  async #publish(text: string): Promise<void> {
    const payload = { user: this.#name, text }
    for (let attempt = 1;; attempt++) {
      const ref = `${text}#${attempt}`
      this.#client.send({ type: 'chat.message', room: this.#room, ref, key: text, payload })
      const answer = await this.#client.next({ ref })
      if (answer.type === 'ack') this.acked.push({ text, ...answer.payload as { id: string; seq: number } })
      else this.errors.push(answer.payload as { code: string; retryable: boolean })
      this.#wake()
      if (answer.type === 'ack') return
      // What a client does; without it the answers are all that the server has time for.
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  #failed(): Promise<never> {
    return Promise.all(this.#running).then(() => {
      throw new Error(`${this.#name} has stopped`)
    })
  }

  #wake(): void {
    for (const resolve of this.#watchers.splice(0)) resolve()
  }
}

/** What one connection is given of a room. */
export class Listener {
  readonly client: WireClient
  readonly #room: string
  readonly received: Envelope[] = []

  private constructor(client: WireClient, room: string) {
    this.client = client
    this.#room = room
  }

  /** Joins, from the room's first message with `since` 0 or from now on. */
  static async join(port: number, room: string, payload: unknown = {}): Promise<Listener> {
    const client = await WireClient.open(port)
    client.send({ type: 'room.join', room, ref: 'join', payload })
    await client.next({ type: 'room.joined', ref: 'join' })
    return new Listener(client, room)
  }

  /** All messages up to a seq, in the order in which they came. */
  async upTo(seq: number): Promise<Envelope[]> {
    while ((this.received.at(-1)?.seq ?? 0) < seq) {
      this.received.push(await this.client.next({ type: 'chat.message', room: this.#room }))
    }
    return this.received
  }
}

/** The text of a chat message. */
export function textOf({ payload }: { readonly payload: unknown }): string {
  return (payload as { text: string }).text
}
