import { CLOSE, type Contract, guarded, type Hub, type Upgrade } from '../../src/mod.ts'
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
  const idleTimeout = pingInterval === 0 ? 0 : pingInterval + pongTimeout
  return (request, info, { subprotocol, metadata }) => {
    // The address is gone once the request is upgraded.
    const { hostname = '', port = 0 } = info?.remoteAddr ?? {}
    const { socket, response } = subprotocol === undefined
      ? runtime.upgradeWebSocket(request, { idleTimeout })
      : runtime.upgradeWebSocket(withSpacedList(request), { idleTimeout, protocol: subprotocol })
    socket.binaryType = 'arraybuffer'
    attach(hub, socket, new DenoPeer(host, socket, hostname, port), { subprotocol, metadata })
    return response
  }
}

function attach<C extends Contract, M>(hub: Hub<C, M>, socket: WebSocket, peer: DenoPeer, start: Upgrade<M>): void {
  const { maxMessageSize } = hub.limits
  let broken = ''
  socket.onopen = () => guarded(hub, peer, () => peer.connection = hub.connect(peer, start))
  socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
    peer.heard()
    guarded(hub, peer, () => {
      const frame = typeof data === 'string' ? data : new Uint8Array(data)
      if (frame.length <= maxMessageSize && !isLonger(peer, frame, maxMessageSize)) peer.connection?.receive(frame)
      else peer.connection?.close(CLOSE.messageTooBig, `A frame may have ${maxMessageSize} bytes.`)
    })
  }
  socket.onerror = (event) => {
    broken = (event as ErrorEvent).message
  }
  socket.onclose = ({ code, reason }) => guarded(hub, peer, () => peer.closed(...whatHappened(code, reason, broken)))
}

/** Deno finds a subprotocol only in a list that is separated by a comma and one space. */
function withSpacedList(request: Request): Request {
  const offered = request.headers.get('sec-websocket-protocol') ?? ''
  const spaced = offered.split(',').map((name) => name.trim()).join(', ')
  // Deno keeps what it was given for as long as the connection lives, so what is right already is not made anew.
  if (spaced === offered) return request
  const headers = new Headers(request.headers)
  headers.set('sec-websocket-protocol', spaced)
  // A copy would not be the request that came in, which alone can be upgraded.
  return Object.create(request, { headers: { value: headers } })
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
  return [/^(?:Invalid|Reserved|Control|Ping) /.test(broken) ? CLOSE.protocolError : CLOSE.abnormal, broken]
}
