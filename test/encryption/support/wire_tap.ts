import { Buffer } from 'node:buffer'
import { connect, createServer, type Socket } from 'node:net'
import { FrameDecoder } from '../../../src/rfc6455/mod.ts'

/** Stands before a server and keeps a copy of everything that passes. */
export interface WireTap {
  /** `ws://127.0.0.1:port/ws` */
  readonly url: string
  /** All bytes that clients sent: as they were, and what was in the frames once their masks are off. */
  toServer(): Buffer
  /** All bytes that the server sent. */
  toClients(): Buffer
  stop(): Promise<void>
}

/** @param port The server's. */
export async function startWireTap(port: number): Promise<WireTap> {
  const sockets = new Set<Socket>()
  const sent: Buffer[][] = []
  const received: Buffer[] = []
  const server = createServer((near) => {
    const chunks: Buffer[] = []
    sent.push(chunks)
    const far = connect(port, '127.0.0.1')
    const end = () => [near, far].forEach((socket) => socket.destroy())
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', end)
      socket.on('close', () => {
        sockets.delete(socket)
        end()
      })
    }
    near.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      far.write(chunk)
    })
    far.on('data', (chunk: Buffer) => {
      received.push(chunk)
      near.write(chunk)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    url: `ws://127.0.0.1:${address !== null && typeof address === 'object' ? address.port : 0}/ws`,
    toServer: () => Buffer.concat(sent.flatMap((chunks) => [Buffer.concat(chunks), unmasked(Buffer.concat(chunks))])),
    toClients: () => Buffer.concat(received),
    stop: () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const socket of sockets) socket.destroy()
      return closed
    },
  }
}

/** The payloads of a client's frames. Masks would hide them from any search. */
function unmasked(connection: Buffer): Buffer {
  const head = connection.indexOf('\r\n\r\n')
  if (head < 0) return Buffer.alloc(0)
  const { frames, error } = new FrameDecoder({ role: 'server' }).decode(connection.subarray(head + 4))
  if (error !== undefined) throw error
  return Buffer.concat(frames.map(({ payload }) => payload))
}
