import { CLOSE, type Contract, type Hub, type Upgrade } from '../../src/mod.ts'
import { DenoHost, DenoPeer } from './peer.ts'
import { denoRuntime, type DenoServeInfo } from './runtime.ts'

/** Makes a request a WebSocket whose session is the hub's. */
export function denoUpgrade<C extends Contract, M>(
  hub: Hub<C, M>,
): (request: Request, info: DenoServeInfo | undefined, upgrade: Upgrade<M>) => Response {
  const runtime = denoRuntime()
  const { highWaterMark, pingInterval, pongTimeout } = hub.limits
  const host = new DenoHost(highWaterMark / 2)
  // Deno pings after half of this and gives up after the other half.
  const idleTimeout = pingInterval === 0 ? 0 : Math.max(1, Math.round(pingInterval + pongTimeout))
  return (request, info, { subprotocol, metadata }) => {
    // The address is gone once the request is upgraded.
    const { hostname = '', port = 0 } = info?.remoteAddr ?? {}
    const protocol = subprotocol === undefined ? {} : { protocol: subprotocol }
    const { socket, response } = runtime.upgradeWebSocket(request, { ...protocol, idleTimeout })
    socket.binaryType = 'arraybuffer'
    attach(hub, socket, new DenoPeer(host, socket, hostname, port), { subprotocol, metadata })
    return response
  }
}

function attach<C extends Contract, M>(hub: Hub<C, M>, socket: WebSocket, peer: DenoPeer, start: Upgrade<M>): void {
  const { maxMessageSize } = hub.limits
  let broken = ''
  socket.onopen = () => {
    peer.connection = hub.connect(peer, start)
  }
  socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
    const frame = typeof data === 'string' ? data : new Uint8Array(data)
    if (frame.length > maxMessageSize || isLonger(peer, frame, maxMessageSize)) {
      return peer.connection?.close(CLOSE.messageTooBig, `A frame may have ${maxMessageSize} bytes.`)
    }
    peer.connection?.receive(frame)
  }
  socket.onerror = (event) => {
    broken = (event as ErrorEvent).message
  }
  socket.onclose = ({ code, reason }) => {
    peer.host.forget(peer)
    const [told, why] = whatHappened(code, reason, broken)
    peer.connection?.closed(told, why)
  }
}

/** A text within the limit in characters may still be over it in bytes. */
function isLonger(peer: DenoPeer, frame: string | Uint8Array, limit: number): boolean {
  return typeof frame === 'string' && frame.length * 3 > limit && peer.host.byteLength(frame) > limit
}

/** Deno tells of a connection that broke with code 0, and what was wrong with a frame in the error before. */
function whatHappened(code: number, reason: string, broken: string): [number, string] {
  if (reason === 'No response from ping frame.') return [CLOSE.unresponsive, reason]
  if (code !== 0) return [code, reason]
  if (broken === 'Frame too large') return [CLOSE.messageTooBig, broken]
  if (broken === 'Invalid UTF-8') return [CLOSE.invalidData, broken]
  return [broken.startsWith('Invalid') ? CLOSE.protocolError : CLOSE.abnormal, broken]
}
