// The load: clients of all the benchmarks, in a process of their own so that they are not what is measured.
import { Crowd, type Room } from './support/crowd.ts'
import { textFrame } from './support/frames.ts'
import { LogReader } from './support/log_reader.ts'
import { FAN_ROOM, PAYLOAD } from './support/messages.ts'
import { Publisher } from './support/publisher.ts'
import { expose } from './support/remote.ts'
import { connectMany, RawSocket } from './support/socket.ts'
import { type Counting, Subscribers } from './support/subscribers.ts'

/** What happened in how many seconds. */
export interface Rate {
  readonly count: number
  readonly seconds: number
}

const WARM_UP = 0.5
const groups = new Map<number, Subscribers>()
const publishers = new Map<number, Publisher[]>()
const crowds = new Map<number, Crowd>()
let idle: RawSocket[] = []

function subscribersAt(port: number): Subscribers {
  const subscribers = groups.get(port)
  if (subscribers === undefined) throw new Error(`Nobody subscribed at port ${port}.`)
  return subscribers
}

/** Counts for some seconds, after a warm-up. */
async function rateOf(read: () => number, seconds: number): Promise<Rate> {
  await Bun.sleep(WARM_UP * 1000)
  const before = read()
  const started = performance.now()
  await Bun.sleep(seconds * 1000)
  return { count: read() - before, seconds: (performance.now() - started) / 1000 }
}

const commands = {
  async subscribe(
    { port, count, product, counting }: { port: number; count: number; product: boolean; counting: Counting },
  ): Promise<void> {
    const target = product ? { port } : { port, path: '/subscribe', subprotocol: '' }
    groups.set(port, await Subscribers.connect(count, target, product, counting))
  },

  /** Sends bursts of ephemeral messages, the next when everybody has received all of the last. */
  async bursts({ port, product, burst, seconds }: { port: number; product: boolean; burst: number; seconds: number }) {
    const subscribers = subscribersAt(port)
    const text = product ? `{"type":"chat.typing","room":"${FAN_ROOM}","payload":${PAYLOAD}}` : PAYLOAD
    const frames = Buffer.concat(new Array(burst).fill(textFrame(text)))
    const socket = await RawSocket.connect({ port, subprotocol: product ? 'rotunda.v1.json' : '' })
    const before = subscribers.deliveries
    const started = performance.now()
    while (performance.now() - started < seconds * 1000) {
      const all = subscribers.reached(subscribers.deliveries + burst * subscribers.size)
      socket.send(frames)
      await all
    }
    const rate: Rate = { count: subscribers.deliveries - before, seconds: (performance.now() - started) / 1000 }
    socket.end()
    return rate
  },

  async openPublishers({ port, count, rooms }: { port: number; count: number; rooms: string[] }): Promise<void> {
    const all = Array.from({ length: count }, (_, i) => Publisher.connect({ port }, `p${i}`, rooms[i % rooms.length]!))
    publishers.set(port, await Promise.all(all))
  },

  /** Each publisher keeps so many messages in flight. Gives what was acknowledged and what was delivered. */
  async publish(
    { port, inFlight, seconds }: { port: number; inFlight: number; seconds: number },
  ): Promise<{ acked: Rate; delivered: Rate }> {
    const all = publishers.get(port) ?? []
    const group = groups.get(port)
    let going = true
    let acked = 0
    let sent = 0
    const publish = (publisher: Publisher, count: number) => {
      sent += count
      publisher.publish(count)
    }
    for (const publisher of all) {
      publisher.onAcked = (count) => {
        acked += count
        if (going) publish(publisher, count)
      }
      publish(publisher, inFlight)
    }
    const before = group?.deliveries ?? 0
    let delivered: Promise<Rate> | undefined
    if (group !== undefined) delivered = rateOf(() => group.deliveries, seconds)
    const rate = await rateOf(() => acked, seconds)
    going = false
    while (acked < sent) await Bun.sleep(5)
    if (group !== undefined) await group.reached(before + sent * group.size)
    return { acked: rate, delivered: await delivered ?? { count: 0, seconds: 1 } }
  },

  /** As many messages in flight over a server that acknowledges nothing: the first subscriber tells what came through. */
  async floodBare(
    { port, count, inFlight, seconds }: { port: number; count: number; inFlight: number; seconds: number },
  ) {
    const subscribers = subscribersAt(port)
    const frames = Buffer.concat(new Array(inFlight).fill(textFrame(PAYLOAD)))
    const sockets = await connectMany(count, { port, subprotocol: '' }, () => {})
    let going = true
    let turn = 0
    let seen = subscribers.firsts
    const before = subscribers.deliveries
    let sent = 0
    const publish = () => {
      sent += inFlight
      sockets[turn++ % count]!.send(frames)
    }
    subscribers.onFirst = () => {
      for (; going && subscribers.firsts - seen >= inFlight; seen += inFlight) publish()
    }
    for (let i = 0; i < count; i++) publish()
    const rate = await rateOf(() => subscribers.deliveries, seconds)
    going = false
    await subscribers.reached(before + sent * subscribers.size)
    for (const socket of sockets) socket.end()
    return rate
  },

  /** Milliseconds from publish to ack, one message after the other. */
  async lone({ port, count }: { port: number; count: number }): Promise<number[]> {
    const publisher = publishers.get(port)?.[0]
    const times: number[] = []
    for (let i = 0; i < count; i++) {
      const started = performance.now()
      await new Promise<void>((resolve) => {
        publisher!.onAcked = () => resolve()
        publisher!.publish(1)
      })
      times.push(performance.now() - started)
    }
    return times
  },

  async idle({ port, product, count }: { port: number; product: boolean; count: number }): Promise<void> {
    idle.push(...await connectMany(count, product ? { port } : { port, subprotocol: '' }, () => {}))
  },

  endIdle(): void {
    for (const socket of idle) socket.end()
    idle = []
  },

  /** Seconds from joining at seq 0 to the message `head`. */
  async resume({ port, room, epoch, head }: { port: number; room: string; epoch: string; head: number }) {
    const socket = await RawSocket.connect({ port })
    const reader = new LogReader(0)
    const started = performance.now()
    await new Promise<void>((resolve) => {
      socket.onPiece = (chunk, from, to, begins, ends) => {
        reader.piece(chunk, from, to, begins, ends)
        if (reader.last === head) resolve()
      }
      const payload = JSON.stringify({ since: { epoch, seq: 0 } })
      socket.send(textFrame(`{"type":"room.join","room":"${room}","payload":${payload}}`))
    })
    const seconds = (performance.now() - started) / 1000
    socket.end()
    return seconds
  },

  /** Milliseconds from joining with the last 50 to having all of them, for each room in turn. */
  async joins({ port, rooms, rounds }: { port: number; rooms: { name: string; head: number }[]; rounds: number }) {
    const socket = await RawSocket.connect({ port })
    const times = rooms.map((): number[] => [])
    for (let i = 0; i < rounds * rooms.length; i++) {
      const { name, head } = rooms[i % rooms.length]!
      const reader = new LogReader(head - 50)
      const started = performance.now()
      await new Promise<void>((resolve) => {
        socket.onPiece = (chunk, from, to, begins, ends) => {
          reader.piece(chunk, from, to, begins, ends)
          if (reader.last === head) resolve()
        }
        socket.send(textFrame(`{"type":"room.join","room":"${name}","payload":{"last":50}}`))
      })
      times[i % rooms.length]!.push(performance.now() - started)
      // The room is forgotten when its last member leaves, so that each join starts cold.
      await new Promise<void>((resolve) => {
        socket.onPiece = () => resolve()
        socket.send(textFrame(`{"type":"room.leave","room":"${name}","payload":{}}`))
      })
    }
    socket.end()
    return times
  },

  async gather({ port, rooms, watchers, comers }: { port: number; rooms: Room[]; watchers: number; comers: number }) {
    crowds.set(port, await Crowd.gather({ port }, rooms, watchers, comers))
  },

  async wave({ port, room, times }: { port: number; room: string; times: number }): Promise<void> {
    await crowds.get(port)?.wave(room, times)
  },
}
export type LoadCommands = typeof commands
expose(commands)
