// The load of the benchmarks of SSE and long polling, in a process of its own.
import { textFrame } from './support/frames.ts'
import { FAN_ROOM, PAYLOAD } from './support/messages.ts'
import { expose } from './support/remote.ts'
import { Requests } from './support/requests.ts'
import { RawSocket } from './support/socket.ts'
import type { Rate } from './load.ts'

const groups = new Map<number, Requests>()
const publishers = new Map<number, RawSocket>()

function groupAt(port: number): Requests {
  const group = groups.get(port)
  if (group === undefined) throw new Error(`Nobody asked at port ${port}.`)
  return group
}

async function publisherAt(port: number, product: boolean): Promise<RawSocket> {
  const known = publishers.get(port)
  if (known !== undefined) return known
  const socket = await RawSocket.connect({ port, subprotocol: product ? 'rotunda.v1.json' : '' })
  publishers.set(port, socket)
  return socket
}

const commands = {
  /** Opens streams and waits until each has had so many events. */
  async stream({ port, path, count, events }: { port: number; path: string; count: number; events: number }) {
    const group = await Requests.send(port, path, count)
    groups.set(port, group)
    await group.reached(events * count)
  },

  /** Sends bursts of ephemeral messages, the next when everybody has received all of the last. */
  async bursts({ port, product, burst, seconds }: { port: number; product: boolean; burst: number; seconds: number }) {
    const group = groupAt(port)
    const text = product ? `{"type":"chat.typing","room":"${FAN_ROOM}","payload":${PAYLOAD}}` : PAYLOAD
    const frames = Buffer.concat(new Array(burst).fill(textFrame(text)))
    const socket = await publisherAt(port, product)
    const before = group.events
    const started = performance.now()
    while (performance.now() - started < seconds * 1000) {
      const all = group.reached(group.events + burst * group.size)
      socket.send(frames)
      await all
    }
    const rate: Rate = { count: group.events - before, seconds: (performance.now() - started) / 1000 }
    return rate
  },

  /** Milliseconds from sending to the first subscriber's hearing of it, one message after the other. */
  async latency({ port, count }: { port: number; count: number }): Promise<number[]> {
    const group = groupAt(port)
    const socket = await publisherAt(port, true)
    const frame = textFrame(`{"type":"chat.message","room":"${FAN_ROOM}","payload":${PAYLOAD}}`)
    const times: number[] = []
    for (let i = 0; i < count; i++) {
      const started = performance.now()
      await new Promise<void>((resolve) => {
        group.onFirst = resolve
        socket.send(frame)
      })
      times.push(performance.now() - started)
    }
    return times
  },

  /** The same over a WebSocket. */
  async socketLatency({ port, count }: { port: number; count: number }): Promise<number[]> {
    const subscriber = await RawSocket.connect({ port })
    let heard = () => {}
    const joined = new Promise<void>((resolve) => {
      subscriber.onPiece = (chunk, from, to) => {
        if (chunk.subarray(from, to).includes('"room.joined"')) resolve()
      }
    })
    subscriber.send(textFrame(`{"type":"room.join","room":"${FAN_ROOM}","payload":{}}`))
    await joined
    subscriber.onPiece = (_chunk, _from, _to, _begins, ends) => ends && heard()
    const socket = await publisherAt(port, true)
    const frame = textFrame(`{"type":"chat.message","room":"${FAN_ROOM}","payload":${PAYLOAD}}`)
    const times: number[] = []
    for (let i = 0; i < count; i++) {
      const started = performance.now()
      await new Promise<void>((resolve) => {
        heard = resolve
        socket.send(frame)
      })
      times.push(performance.now() - started)
    }
    subscriber.end()
    return times
  },

  /** Sends requests that wait for their answers. */
  async wait({ port, path, count }: { port: number; path: string; count: number }): Promise<void> {
    groups.get(port)?.end()
    groups.set(port, await Requests.send(port, path, count))
  },

  answers: ({ port }: { port: number }): number => groupAt(port).answers,

  end({ port }: { port: number }): void {
    groups.get(port)?.end()
    groups.delete(port)
  },
}
export type HttpLoadCommands = typeof commands
expose(commands)
