import { CLOSE, deliver, guarded, type Upgrade } from '../../src/mod.ts'
import { DenoHost, DenoPeer } from './peer.ts'
import { denoRuntime, type DenoServeInfo } from './runtime.ts'

const hosts = new WeakMap<Upgrade['target'], DenoHost>()

/** The one host of a target, however many adapters it is served by. */
function hostOf(target: Upgrade['target']): DenoHost {
  let host = hosts.get(target)
  if (host === undefined) hosts.set(target, host = new DenoHost(target.limits.highWaterMark / 2))
  return host
}

/** Makes a request a WebSocket, and hands it over when it is open. */
export function denoUpgrade(request: Request, info: DenoServeInfo | undefined, upgrade: Upgrade): Response {
  const { subprotocol, target } = upgrade
  const { pingInterval, pongTimeout } = target.limits
  // Deno pings after half of this and gives up after the other half.
  const idleTimeout = pingInterval === 0 ? 0 : pingInterval + pongTimeout
  // The address is gone once the request is upgraded.
  const { hostname = '', port = 0 } = info?.remoteAddr ?? {}
  const runtime = denoRuntime()
  const { socket, response } = subprotocol === undefined
    ? runtime.upgradeWebSocket(request, { idleTimeout })
    : runtime.upgradeWebSocket(withSpacedList(request), { idleTimeout, protocol: subprotocol })
  socket.binaryType = 'arraybuffer'
  attach(socket, new DenoPeer(hostOf(target), socket, hostname, port), upgrade)
  return response
}

function attach(socket: WebSocket, peer: DenoPeer, upgrade: Upgrade): void {
  const { target } = upgrade
  let broken = ''
  socket.onopen = () => guarded(target, peer, () => peer.receiver = upgrade.connect(peer))
  socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
    peer.heard()
    const frame = typeof data === 'string' ? data : new Uint8Array(data)
    guarded(target, peer, () => deliver(upgrade, peer.receiver, peer.host, frame))
  }
  socket.onerror = (event) => {
    broken = (event as ErrorEvent).message
  }
  socket.onclose = ({ code, reason }) => guarded(target, peer, () => peer.closed(...whatHappened(code, reason, broken)))
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

/** Deno tells of a connection that broke with code 0, and what was wrong with a frame in the error before. */
function whatHappened(code: number, reason: string, broken: string): [number, string] {
  if (reason === 'No response from ping frame.') return [CLOSE.unresponsive, reason]
  if (code !== 0) return [code, reason]
  if (broken === 'Frame too large') return [CLOSE.messageTooBig, broken]
  if (broken === 'Invalid UTF-8') return [CLOSE.invalidData, broken]
  return [/^(?:Invalid|Reserved|Control|Ping) /.test(broken) ? CLOSE.protocolError : CLOSE.abnormal, broken]
}
