import { Buffer } from 'node:buffer'
import { connect, createServer, type Socket } from 'node:net'
import { createInterface, type Interface } from 'node:readline'
import type { Broker } from '../../src/mod.ts'

/** What is said to a relay and by it, a line of JSON each. */
type Line =
  | { readonly say: 'subscribe' | 'unsubscribe'; readonly topic: string }
  | { readonly say: 'publish'; readonly topic: string; readonly bytes: string }

/** A relay that runs. */
export interface Relay {
  readonly port: number
  stop(): Promise<void>
}

/** Starts what hands messages on between processes. */
export async function startRelay(): Promise<Relay> {
  const sockets = new Map<Socket, Set<string>>()
  const server = createServer((socket) => {
    const topics = new Set<string>()
    sockets.set(socket, topics)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    linesOf(socket).on('line', (text) => {
      const line = JSON.parse(text) as Line
      if (line.say === 'subscribe') topics.add(line.topic)
      else if (line.say === 'unsubscribe') topics.delete(line.topic)
      else for (const [other, subscribed] of sockets) if (subscribed.has(line.topic)) other.write(`${text}\n`)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The relay has no port.')
  return {
    port: address.port,
    stop: () => {
      for (const socket of sockets.keys()) socket.destroy()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

/** A broker over the relay at this port. When the relay is gone, so are the messages. */
export async function relayBroker(port: number): Promise<Broker> {
  const socket = await new Promise<Socket>((resolve, reject) => {
    const opening = connect({ port, host: '127.0.0.1' })
    opening.once('error', reject)
    opening.once('connect', () => resolve(opening))
  })
  socket.on('error', () => {})
  const topics = new Map<string, Set<(bytes: Uint8Array) => void>>()
  const say = (line: Line) => void socket.write(`${JSON.stringify(line)}\n`)
  linesOf(socket).on('line', (text) => {
    const line = JSON.parse(text) as Line
    if (line.say !== 'publish') return
    const bytes = new Uint8Array(Buffer.from(line.bytes, 'base64'))
    for (const handler of [...topics.get(line.topic) ?? []]) handler(bytes)
  })
  return {
    publish: (topic, bytes) => say({ say: 'publish', topic, bytes: Buffer.from(bytes).toString('base64') }),
    subscribe: (topic, handler) => {
      const handlers = topics.get(topic) ?? new Set()
      topics.set(topic, handlers.add(handler))
      if (handlers.size === 1) say({ say: 'subscribe', topic })
      return () => {
        handlers.delete(handler)
        if (handlers.size > 0 || topics.get(topic) !== handlers) return
        topics.delete(topic)
        say({ say: 'unsubscribe', topic })
      }
    },
    close: () => {
      topics.clear()
      socket.destroy()
      return Promise.resolve()
    },
  }
}

/** The lines of a socket whose other end may be killed: Bun tells its errors here, too. */
function linesOf(socket: Socket): Interface {
  return createInterface({ input: socket }).on('error', () => {})
}
