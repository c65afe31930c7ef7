import type { Clock } from '../clock.ts'
import { json } from '../connection/json.ts'
import type { Settings } from '../options.ts'
import type { ReadySocket } from './fallback_socket.ts'
import type { TransportSocket } from './transport.ts'

/** How long it may take, in milliseconds. */
const PATIENCE = 10_000

/** Whether a transport gets through: to the server and back. Gives its socket, which goes on collecting what comes. */
export function probe(
  { url, codec }: Settings,
  clock: Clock,
  open: (url: string, protocols: string[]) => TransportSocket,
): Promise<ReadySocket | undefined> {
  return new Promise((resolve) => {
    const frames: (string | ArrayBuffer)[] = []
    const socket = open(url, [...new Set([codec.subprotocol, json.subprotocol])])
    const ready = { socket, frames, isClosed: false }
    const cancel = clock.after(PATIENCE, () => end())
    const end = (result?: ReadySocket) => {
      cancel()
      if (!result) socket.close()
      resolve(result)
    }
    socket.binaryType = 'arraybuffer'
    socket.onclose = socket.onerror = () => {
      ready.isClosed = true
      end()
    }
    socket.onmessage = ({ data }) => {
      const spoken = socket.protocol === codec.subprotocol ? codec : json
      const frame = typeof data === 'string' ? data : new Uint8Array(data)
      if (spoken.decode(frame).some(({ envelope }) => envelope?.type === 'session.pong')) return end(ready)
      if (frames.push(data) === 1) {
        socket.send(spoken.encode([{ type: 'session.ping', ref: 'probe', payload: '{}' }]) as string)
      }
    }
  })
}
