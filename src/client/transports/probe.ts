import type { Connection } from '../connection/connection.ts'
import type { TransportSocket } from './transport.ts'

/** How long it may take, in milliseconds. */
const PATIENCE = 10_000

/** A socket before it is the client's, and what came over it so far: the welcome first. */
export interface ProbedSocket {
  readonly socket: TransportSocket
  readonly frames: (string | ArrayBuffer)[]
  isClosed: boolean
}

/** Tries to connect; resolves with the welcome, and without when there is none. What comes after it is collected. */
export function probe({ settings: { url, codec, WebSocket }, clock }: Connection): Promise<ProbedSocket> {
  return new Promise((resolve) => {
    const socket = new WebSocket(url, [codec.subprotocol]) as unknown as TransportSocket
    const probed: ProbedSocket = { socket, frames: [], isClosed: false }
    const done = () => {
      cancel()
      resolve(probed)
    }
    const cancel = clock.after(PATIENCE, done)
    socket.binaryType = 'arraybuffer'
    socket.onclose = socket.onerror = () => {
      probed.isClosed = true
      done()
    }
    socket.onmessage = ({ data }) => {
      probed.frames.push(data)
      done()
    }
  })
}
