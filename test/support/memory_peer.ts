import type { Connection, Contract, Host, Hub, Peer, SendResult } from '../../src/mod.ts'
import type { Frame } from '../../src/protocol/codec.ts'
import type { Envelope } from '../../src/protocol/envelope.ts'

/** A host without a network: native topics when asked for, else rooms loop. */
export class MemoryHost implements Host {
  readonly topics = new Map<string, Set<MemoryPeer>>()
  publish?: (topic: string, frame: Frame) => void

  constructor({ native }: { native: boolean }) {
    if (native) {
      this.publish = (topic, frame) => {
        for (const peer of this.topics.get(topic) ?? []) peer.send(frame)
      }
    }
  }

  byteLength(text: string): number {
    return new TextEncoder().encode(text).length
  }
}

/** The client's end of a connection without a network. While `stalled`, what is sent waits in its buffer. */
export class MemoryPeer implements Peer {
  readonly host: MemoryHost
  readonly remoteAddress = '127.0.0.1'
  readonly remotePort = 1
  readonly subscribe?: (topic: string) => void
  readonly unsubscribe?: (topic: string) => void
  readonly frames: Frame[] = []
  connection!: Connection
  closedWith: { code: number; reason: string } | undefined
  stalled = false
  pings = 0
  #buffered: Frame[] = []
  #waiters: (() => void)[] = []

  constructor(host: MemoryHost) {
    this.host = host
    if (host.publish === undefined) return
    this.subscribe = (topic) => {
      const peers = host.topics.get(topic) ?? new Set()
      host.topics.set(topic, peers.add(this))
    }
    this.unsubscribe = (topic) => void host.topics.get(topic)?.delete(this)
  }

  get bufferedAmount(): number {
    return this.#buffered.reduce((sum, frame) => sum + frame.length, 0)
  }

  send(frame: Frame): SendResult {
    if (this.closedWith !== undefined) return 'closed'
    if (this.stalled) {
      this.#buffered.push(frame)
      return 'buffered'
    }
    this.#arrive(frame)
    return 'accepted'
  }

  /** Lets what waits through and tells the session. */
  drain(): void {
    this.stalled = false
    for (const frame of this.#buffered.splice(0)) this.#arrive(frame)
    this.connection.drained()
  }

  close(code: number, reason: string): void {
    if (this.closedWith !== undefined) return
    this.closedWith = { code, reason }
    queueMicrotask(() => {
      this.connection.closed(code, reason)
      this.#wake()
    })
  }

  terminate(): void {
    this.close(1006, '')
  }

  ping(): void {
    this.pings += 1
  }

  /** The client says something. */
  say(envelope: object): void {
    this.connection.receive(JSON.stringify(envelope))
  }

  /** Every envelope received so far, batches opened. */
  get received(): Envelope[] {
    return this.frames.flatMap((frame) => JSON.parse(frame as string) as Envelope | Envelope[])
  }

  /** Seqs of the room's durable messages received so far. */
  seqs(room: string): number[] {
    return this.received.filter((envelope) => envelope.room === room && envelope.seq !== undefined).map((e) => e.seq!)
  }

  /** Waits until what was received satisfies the test. */
  async until(test: (received: Envelope[]) => boolean): Promise<Envelope[]> {
    while (!test(this.received)) await new Promise<void>((resolve) => this.#waiters.push(resolve))
    return this.received
  }

  /** Waits for an envelope of this type (and ref). */
  async next(type: string, ref?: string): Promise<Envelope> {
    const fits = (envelope: Envelope) => envelope.type === type && (ref === undefined || envelope.ref === ref)
    return (await this.until((received) => received.some(fits))).find(fits)!
  }

  /** What answers a reference, whatever its type. */
  async answer(ref: string): Promise<Envelope> {
    const fits = (envelope: Envelope) => envelope.ref === ref
    return (await this.until((received) => received.some(fits))).find(fits)!
  }

  #arrive(frame: Frame): void {
    this.frames.push(frame)
    this.#wake()
  }

  #wake(): void {
    for (const wake of this.#waiters.splice(0)) wake()
  }
}

/** Connects a client without a network to a hub. */
export function connectPeer<C extends Contract, M>(
  hub: Hub<C, M>,
  host: MemoryHost,
  { batches = true }: { batches?: boolean } = {},
): MemoryPeer {
  const peer = new MemoryPeer(host)
  const metadata = hub.metadataFor(new Request('http://localhost/ws'))
  if (metadata instanceof Promise) throw new Error('This fixture connects at once; give it synchronous metadata.')
  peer.connection = hub.connect(peer, {
    subprotocol: batches ? 'rotunda.v1.json' : undefined,
    metadata,
  })
  return peer
}
