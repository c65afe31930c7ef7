import type { Frame } from '../protocol/codec.ts'
import type { EncodedEnvelope } from '../protocol/envelope.ts'
import type { Gap } from '../protocol/reserved.ts'
import type { Variant } from './channel.ts'
import { chunk } from './chunks.ts'
import type { Connection } from './connection.ts'
import { Delivery } from './delivery.ts'
import type { LogEnvelope } from './log_envelope.ts'
import type { Host } from './peer.ts'
import { RoomChannel } from './room_channel.ts'
import type { RoomEnvironment } from './room_environment.ts'
import { costOfSending } from './turns.ts'

/** Members that are served in one go. */
const TOGETHER = 128
/** What one channel may be sent at once, as costs go: what is short is one write for each member, and cheap. */
const MOST_AT_ONCE = 4 * 1024 * 1024
/** Bytes that may wait, of several deliveries together. */
const MOST_WAITING = 1024 * 1024

/**
 * Hands a room's messages to its live members. A large room's members are served channel by channel over several turns,
 * so that other rooms need not wait for all of them. In each channel everything arrives in order, and its `head` says how
 * far that is.
 */
export class FanOut {
  readonly #room: string
  readonly #environment: RoomEnvironment
  #channels: RoomChannel[] = []
  /** Channels ever made: their native topics must not be mistaken for each other. */
  #made = 0
  /** What not all channels have got; the first one's number is `#first`. */
  #waiting: Delivery[] = []
  #first = 0
  #bytes = 0
  /** Index of the channel that was served last. */
  #last = 0
  #isPausing = false

  constructor(room: string, environment: RoomEnvironment) {
    this.#room = room
    this.#environment = environment
  }

  /** A channel for one member more; a new one starts at `head`. */
  channelFor(host: Host, variant: Variant, head: number): RoomChannel {
    this.#channels = this.#channels.filter(({ members }) => members > 0)
    const known = this.#channels.find((channel) => channel.members < TOGETHER && channel.serves(host, variant))
    if (known !== undefined) return known
    const { topics, limits: { highWaterMark }, counters: { traffic } } = this.#environment
    const channel = new RoomChannel(`${topics}.${this.#made++}:${this.#room}`, host, variant, highWaterMark, traffic)
    channel.head = head
    channel.next = this.#end
    this.#channels.push(channel)
    return channel
  }

  /** Delivers what follows on from what was delivered last. */
  deliver(batch: readonly LogEnvelope[]): void {
    for (const piece of chunk(batch)) {
      const through = piece.at(-1)!.seq
      this.#add(piece, (channel, frames) => {
        channel.deliver(piece, frames)
        this.#served(channel, through)
      })
    }
    this.#serve()
  }

  /** Tells that the messages up to `seq` were removed before anybody live got them. */
  skip(gap: Gap, seq: number): void {
    const batch = [{ type: 'room.gap', room: this.#room, payload: JSON.stringify(gap) }]
    this.#add(batch, (channel, frames) => {
      this.#environment.counters.gaps += channel.size
      channel.deliver(batch, frames)
      this.#served(channel, seq)
    })
    this.#serve()
  }

  /** Delivers at most once to who is live. */
  emit(batch: readonly EncodedEnvelope[], except: Connection | undefined): void {
    this.#add(batch, (channel, frames) => {
      this.#environment.counters.ephemeralDropped += (channel.members - channel.size) * batch.length
      if (except === undefined) channel.deliver(batch, frames)
      else channel.deliverExcept(batch, frames, except)
      this.#easeSlow(channel)
    })
    this.#serve()
  }

  /** The number of the next delivery. */
  get #end(): number {
    return this.#first + this.#waiting.length
  }

  #add(batch: readonly EncodedEnvelope[], deliver: (channel: RoomChannel, frames: readonly Frame[]) => void): void {
    const delivery = new Delivery(batch, deliver)
    this.#waiting.push(delivery)
    this.#bytes += delivery.bytes
    while (this.#bytes > MOST_WAITING && this.#waiting.length > 1) this.#endFirst()
  }

  /** At once where that fits into this turn, else channel by channel in later ones, with all that has come until then. */
  #serve(): void {
    if (this.#isPausing || !this.#environment.turns.take(this.#costOfAll())) return this.#pause()
    for (let channel = this.#behind(); channel !== undefined; channel = this.#behind()) this.#serveSome(channel)
    this.#clear()
  }

  /** Makes who has not got the first of what waits get it now: more comes than time allows, and it must not pile up. */
  #endFirst(): void {
    const number = this.#first
    const delivery = this.#waiting[0]!
    for (const channel of this.#channels) {
      // Who is sent to may end, and what is said to its room about that may come here before this is done.
      if (channel.next !== number) continue
      this.#environment.turns.spend(costOfSending(channel.size, delivery.bytes))
      channel.next += 1
      delivery.serve(channel)
    }
    if (this.#first !== number) return
    this.#waiting.shift()
    this.#first += 1
    this.#bytes -= delivery.bytes
  }

  #pause(): void {
    if (this.#isPausing) return
    this.#isPausing = true
    const { executor, report } = this.#environment
    executor.track(this.#serveByTurns()).catch(report)
  }

  async #serveByTurns(): Promise<void> {
    const { turns } = this.#environment
    try {
      let isFirst = true
      for (let channel = this.#behind(); channel !== undefined; channel = this.#behind()) {
        const cost = costOfSending(channel.size, this.#waiting[channel.next - this.#first]!.bytes)
        // Not begun in this turn: what else comes in it goes along, and hosts make one write of all of it.
        const turn = isFirst ? turns.later(cost) : turns.pass(cost)
        isFirst = false
        if (turn !== undefined) await turn
        this.#serveSome(channel)
      }
      this.#clear()
    } finally {
      this.#isPausing = false
    }
  }

  /** What waits for a channel, as far as that is not too much at once. */
  #serveSome(channel: RoomChannel): void {
    let bytes = 0
    while (channel.next < this.#end && (bytes === 0 || costOfSending(channel.size, bytes) < MOST_AT_ONCE)) {
      const delivery = this.#waiting[channel.next - this.#first]!
      channel.next += 1
      bytes += delivery.bytes
      delivery.serve(channel)
    }
  }

  #clear(): void {
    this.#first = this.#end
    this.#waiting = []
    this.#bytes = 0
  }

  /** Of what waits for all channels. */
  #costOfAll(): number {
    return costOfSending(this.#channels.reduce((sum, { size }) => sum + size, 0), this.#bytes)
  }

  /** In turn, a channel that has not got everything. */
  #behind(): RoomChannel | undefined {
    const { length } = this.#channels
    for (let i = 1; i <= length; i++) {
      const index = (this.#last + i) % length
      if (this.#channels[index]!.next === this.#end) continue
      this.#last = index
      return this.#channels[index]
    }
    return undefined
  }

  #served(channel: RoomChannel, through: number): void {
    channel.head = through
    this.#easeSlow(channel)
    // Who was at the old head and not yet live, because its peer was draining, has something to read again.
    for (const subscription of channel.behind) subscription.resume()
  }

  #easeSlow(channel: RoomChannel): void {
    for (const subscription of channel.slow()) {
      this.#environment.counters.fellBehind += 1
      subscription.fallBehind()
    }
  }
}
