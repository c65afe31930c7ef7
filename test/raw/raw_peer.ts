import {
  createHub,
  defineProtocol,
  type Hub,
  type HubOptions,
  type Limits,
  type Peer,
  type RawConnection,
  type RawOptions,
  type RawService,
  rawService,
  type Receiver,
  type SendResult,
} from '../../src/mod.ts'
import type { Frame } from '../../src/protocol/codec.ts'

/** The client's end of a raw connection without a network. What is sent waits while it is `stalled`. */
export class RawPeer implements Peer {
  readonly host = { byteLength: (text: string) => new TextEncoder().encode(text).length }
  readonly remoteAddress = '127.0.0.1'
  readonly remotePort = 1
  readonly frames: Frame[] = []
  receiver!: Receiver
  closedWith: [code: number, reason: string] | undefined
  /** Whether it answers close frames. */
  answers = true
  stalled = false
  bufferedAmount = 0
  pings = 0

  send(frame: Frame): SendResult {
    if (this.closedWith !== undefined) return 'closed'
    this.frames.push(frame)
    if (!this.stalled) return 'accepted'
    this.bufferedAmount += frame.length
    return 'buffered'
  }

  /** Takes so much of what waits that this is left. */
  drain(left: number): void {
    this.bufferedAmount = left
    this.receiver.drained()
  }

  close(code: number, reason: string): void {
    this.closedWith ??= [code, reason]
    if (this.answers) queueMicrotask(() => this.receiver.closed(code, reason))
  }

  terminate(): void {
    this.closedWith ??= [1006, '']
    this.receiver.closed(1006, '')
  }

  ping(): void {
    this.pings += 1
  }

  /** The client sends frames. */
  say(...frames: Frame[]): void {
    for (const frame of frames) this.receiver.receive(frame)
  }

  /** The client closes. */
  leave(code = 1000, reason = ''): void {
    this.receiver.closed(code, reason)
  }
}

const nothing = defineProtocol({})

/** A hub for services beside it, and what it reports. */
export function emptyHub(
  limits: Partial<Limits> = {},
  options: Partial<HubOptions<typeof nothing.definitions, Record<string, unknown>>> = {},
): { hub: Hub<typeof nothing.definitions, Record<string, unknown>>; reported: unknown[] } {
  const hub = createHub({ protocol: nothing, limits: { pingInterval: 0, ...limits }, ...options })
  const reported: unknown[] = []
  hub.onError((error) => reported.push(error))
  return { hub, reported }
}

/** A service beside a hub of its own, and one connection of it. */
export interface Connected {
  readonly hub: Hub<typeof nothing.definitions, Record<string, unknown>>
  readonly service: RawService<Record<string, unknown>>
  readonly peer: RawPeer
  readonly connection: RawConnection<Record<string, unknown>>
  /** What the hub's error handlers were told. */
  readonly reported: unknown[]
  /** Closes the hub, which stops its timers. */
  readonly [Symbol.asyncDispose]: () => Promise<void>
}

/** Connects a client to a service whose handler does `handle`. */
export function connected(
  handle: (connection: RawConnection<Record<string, unknown>>) => unknown = () => {},
  options: RawOptions<Record<string, unknown>> = {},
): Connected {
  const { hub, reported } = emptyHub()
  let connection: RawConnection<Record<string, unknown>> | undefined
  const service = rawService((given) => handle(connection = given), options)
  const peer = connectTo(service, hub)
  if (connection === undefined) throw new Error('The service was given no connection.')
  return { hub, service, peer, connection, reported, [Symbol.asyncDispose]: () => hub.close() }
}

/** Connects one more client to a service. */
export function connectTo<M extends Record<string, unknown>>(
  service: RawService<M>,
  hub: Parameters<RawService<M>['attach']>[0],
): RawPeer {
  const peer = new RawPeer()
  peer.receiver = service.attach(hub).connect(peer, { subprotocol: undefined, metadata: {} as M })
  return peer
}
