import { errorResponse, type Host, RotundaError, type Upgrade } from '../../src/mod.ts'
import type { SocketData } from './peer.ts'
import type { BunServer } from './runtime.ts'

/** A Bun server as seen by whose connections it has: native topics. */
export class BunHost implements Host {
  readonly server: BunServer
  /** Whether frames to clients that can inflate them are deflated; the handlers of the sockets know, and say so. */
  compresses = false

  constructor(server: BunServer) {
    this.server = server
  }

  publish(topic: string, frame: string | Uint8Array): void {
    this.server.publish(topic, frame as string | Uint8Array<ArrayBuffer>, this.compresses)
  }

  byteLength(text: string): number {
    return Buffer.byteLength(text)
  }
}

const hosts = new WeakMap<BunServer, BunHost>()

/** The one host of a server, however many hubs and adapters it serves: native topics are the server's. */
export function hostOf(server: BunServer): BunHost {
  let host = hosts.get(server)
  if (host === undefined) hosts.set(server, host = new BunHost(server))
  return host
}

/** Makes a request a WebSocket of the `websocket` handlers; undefined when that is done, as Bun expects. */
export function upgradeTo(server: BunServer, request: Request, upgrade: Upgrade): Response | undefined {
  const data: SocketData = {
    host: hostOf(server),
    upgrade,
    remotePort: server.requestIP(request)?.port ?? 0,
    receiver: undefined,
    ended: undefined,
  }
  // Left out, Bun answers with the first one offered, whatever it is (oven-sh/bun#18243); an empty one it leaves out.
  const headers = { 'sec-websocket-protocol': upgrade.subprotocol ?? '' }
  if (server.upgrade(request, { data, headers })) return undefined
  return errorResponse(new RotundaError('invalid_handshake', 'Bun could not upgrade this request to a WebSocket.'))
}
