import type { Frame } from '../protocol/codec.ts'
import { CLOSE } from '../protocol/close_codes.ts'
import type { EncodedEnvelope } from '../protocol/envelope.ts'
import { type ErrorCode, ERRORS, RotundaError } from '../protocol/errors.ts'
import { MAX_ROOM_NAME } from '../protocol/names.ts'
import type { Payload } from '../protocol/payload.ts'
import type { ErrorPayload } from '../protocol/reserved.ts'
import type { Bucket } from './auth/bucket.ts'
import type { Variant } from './channel.ts'
import { checkCloseCode, fitReason } from './close_frame.ts'
import { type BacklogBounds, Congestion } from './congestion.ts'
import { Grants } from './grants.ts'
import type { Identity } from './identity.ts'
import type { Peer, SendResult } from './peer.ts'
import type { SessionPresence } from './presence/session_presence.ts'
import type { SessionQuota } from './quota/session_quota.ts'
import type { Replies } from './replies.ts'
import type { Room } from './room.ts'
import { countIn, countOut, noTraffic, type Sent, type SessionMetrics, type Traffic } from './traffic.ts'
import type { TypeCounts } from './type_metrics.ts'

/** Where a connection stands: `connecting` until the application's open handlers have finished. */
export type SessionState = 'connecting' | 'open' | 'closing' | 'closed'

/** What the hub does for its sessions. */
export interface ConnectionOwner {
  /** Of all its sessions, past and present. */
  readonly traffic: Traffic
  receive(connection: Connection, frame: Frame): void
  pinged(connection: Connection, data: Uint8Array): void
  ponged(connection: Connection, data: Uint8Array): void
  ended(connection: Connection, code: number, reason: string): void
  /** A client was told of an error. */
  failed(code: ErrorCode): void
}

/** What became of a frame: as the peer says, or `slow` where more waits than rooms may go on sending to. */
export type RelayResult = SendResult | 'slow'

/** What was agreed while connecting. */
export interface ConnectionStart<M> {
  readonly id: string
  readonly node: string
  readonly variant: Variant
  readonly metadata: M
  /** The client's address, where it is not the peer's. */
  readonly address?: string | undefined
  readonly backlog: BacklogBounds
}

/** The hub's side of a connection. Applications see it as a `Session`. */
export class Connection<M = unknown> {
  readonly id: string
  readonly node: string
  readonly peer: Peer
  readonly variant: Variant
  /** The client's; a proxy's where the hub does not trust it. */
  readonly address: string
  readonly connectedAt: number = Date.now()
  metadata: M
  /** Who it is, as far as that is known now. */
  identity: Identity | undefined
  /** Who it is or was: it cannot become somebody else. */
  subject: string | undefined
  /** What is put before its producer keys: those of a known client are its own over all of its connections. */
  keyOwner = ''
  /** What the application holds: the hub's kind of session. Made when it first asks. */
  session: object | undefined
  state: SessionState = 'connecting'
  lastReceivedAt: number = this.connectedAt
  lastPingAt: number = this.connectedAt
  lastPongAt: number = this.connectedAt
  /** When `close` was called; a peer that does not finish the handshake is ended some time after. */
  closingAt = 0
  /** Frames in a row that could not be understood. */
  errorsInARow = 0
  /** Frames that wait while an earlier one is handled; undefined while nothing is being handled. */
  inbound: Frame[] | undefined
  /** Characters and bytes of the frames that wait. */
  inboundSize = 0
  /** Called when a frame had to wait for something, and it and all that came after it have been handled. */
  onIdle: (() => void) | undefined
  /** What this client was asked and has not answered; made by the first request. */
  replies: Replies | undefined
  /** How many rooms it may ask to join now; made by the first. */
  joins: Bucket | undefined
  /** Where it is present and watches; made when it first does. */
  presence: SessionPresence | undefined
  /** Set while so much waits to be read that its frames must wait. */
  congestion: Congestion | undefined
  /** Ends what its frames wait for; set while a quota delays them. */
  endPause: (() => void) | undefined
  /** What it has used of its quotas, where the hub has any. */
  quota: SessionQuota | undefined
  /** Counts by type, where the hub keeps them; made by the first envelope. */
  typeCounts: TypeCounts | undefined
  /** Rises with every change of what the session may do: what was decided before is decided anew. */
  accessVersion = 0
  readonly #owner: ConnectionOwner
  readonly #backlog: BacklogBounds
  #rooms: Map<string, Room> | undefined
  #grants: Grants | undefined
  /** What was sent and received otherwise than through channels. */
  readonly #traffic = noTraffic()

  constructor(owner: ConnectionOwner, peer: Peer, start: ConnectionStart<M>) {
    this.#owner = owner
    this.#backlog = start.backlog
    this.peer = peer
    this.id = start.id
    this.node = start.node
    this.variant = start.variant
    this.metadata = start.metadata
    this.address = start.address ?? peer.remoteAddress
  }

  /** Whether frames may still pass. */
  get isUsable(): boolean {
    return this.state === 'open' || this.state === 'connecting'
  }

  get rooms(): readonly Room[] {
    return this.#rooms === undefined ? [] : [...this.#rooms.values()]
  }

  get roomCount(): number {
    return this.#rooms?.size ?? 0
  }

  /** What the application has granted this session. */
  get grants(): Grants {
    return this.#grants ??= new Grants()
  }

  room(name: string): Room | undefined {
    return this.#rooms?.get(name)
  }

  get messagesIn(): number {
    return this.#traffic.messagesIn
  }

  get metrics(): SessionMetrics {
    const sum = { ...this.#traffic }
    const live = this.rooms.map((room) => room.subscription(this)!.received)
    for (const { frames, messages, bytes } of [...live, ...this.presence?.received() ?? []]) {
      countOut(sum, frames, messages, bytes)
    }
    return sum
  }

  /** The transport received a frame. */
  receive(frame: Frame): void {
    if (!this.isUsable) return
    this.lastReceivedAt = Date.now()
    const bytes = this.#length(frame)
    countIn(this.#traffic, 1, 0, bytes)
    countIn(this.#owner.traffic, 1, 0, bytes)
    this.#owner.receive(this, frame)
  }

  /** A frame had a message, understood or not. */
  countMessage(): void {
    countIn(this.#traffic, 0, 1, 0)
    countIn(this.#owner.traffic, 0, 1, 0)
  }

  /** The transport received a ping; it has answered by itself. */
  pinged(data: Uint8Array): void {
    this.lastReceivedAt = Date.now()
    this.#owner.pinged(this, data)
  }

  /** The transport received a pong. */
  ponged(data: Uint8Array): void {
    this.lastReceivedAt = this.lastPongAt = Date.now()
    this.#owner.ponged(this, data)
  }

  /** The transport has taken buffered bytes. */
  drained(): void {
    if (this.peer.bufferedAmount <= this.#backlog.congestedAt) {
      this.congestion?.end()
      this.congestion = undefined
    }
    if (this.#rooms === undefined) return
    for (const room of this.#rooms.values()) room.subscription(this)?.resume()
    this.presence?.drained()
  }

  /** The transport's connection is over; told on once, however often a transport says it. */
  closed(code: number, reason: string): void {
    if (this.state === 'closed') return
    this.state = 'closed'
    this.inbound = undefined
    this.congestion?.end()
    this.endPause?.()
    this.#owner.ended(this, code, reason)
  }

  entered(room: Room): void {
    this.#rooms ??= new Map()
    this.#rooms.set(room.name, room)
  }

  left(room: Room): void {
    this.#rooms?.delete(room.name)
  }

  /** Sends one frame; a peer that has let too much pile up is closed. */
  sendFrame(frame: Frame, messages: number): boolean {
    if (!this.isUsable) return false
    if (this.relay(frame) === 'closed') return false
    const bytes = this.#length(frame)
    countOut(this.#traffic, 1, messages, bytes)
    countOut(this.#owner.traffic, 1, messages, bytes)
    return true
  }

  /** Sends a frame that a channel counts. */
  relay(frame: Frame): RelayResult {
    const result = this.peer.send(frame)
    if (result !== 'buffered') return result
    const { bufferedAmount } = this.peer
    const { highWaterMark, congestedAt, hardLimit } = this.#backlog
    if (bufferedAmount <= highWaterMark) return result
    if (bufferedAmount > congestedAt) this.congestion ??= new Congestion()
    if (bufferedAmount <= hardLimit) return 'slow'
    this.closeFor('slow_consumer', `More than ${hardLimit} bytes wait to be read.`)
    return 'closed'
  }

  /** Adds what a channel sent on this session's behalf; it has counted that for the hub. */
  countSent({ frames, messages, bytes }: Sent): void {
    countOut(this.#traffic, frames, messages, bytes)
  }

  send(envelope: EncodedEnvelope): boolean {
    return this.sendFrame(this.variant.codec.encode([envelope]), 1)
  }

  /** Sends one of the protocol's own messages. */
  sendReserved(type: string, payload: unknown, about: { room?: string | undefined; ref?: string | undefined }): void {
    this.send({ type, payload: JSON.stringify(payload), ...present(about) })
  }

  /** Answers a request. */
  sendReply(type: string, ref: string | undefined, room: string | undefined, payload: Payload): void {
    this.send({ type, kind: 'reply', payload, ...present({ room, ref }) })
  }

  sendError(error: RotundaError, about: { room?: string | undefined; ref?: string | undefined } = {}): void {
    this.#owner.failed(error.code)
    const payload: ErrorPayload = { code: error.code, message: error.message, retryable: error.retryable }
    this.sendReserved('error', payload, about)
  }

  /**
   * Starts closing. Reasons are cut to the 123 bytes a close frame can carry.
   * @throws {RotundaError} `invalid_config` for a code that must not be sent.
   */
  close(code: number = CLOSE.normal, reason = ''): void {
    checkCloseCode(code)
    if (!this.isUsable) return
    this.state = 'closing'
    this.closingAt = Date.now()
    this.peer.close(code, fitReason(reason))
  }

  /** Closes with the code that the error table gives, after telling why. */
  closeFor(code: ErrorCode, message: string): void {
    if (!this.isUsable) return
    // Who reads too slowly would not read it.
    if (code === 'slow_consumer') this.#owner.failed(code)
    else this.sendError(new RotundaError(code, message))
    this.close(ERRORS[code].close, message)
  }

  #length(frame: Frame): number {
    return typeof frame === 'string' ? this.peer.host.byteLength(frame) : frame.byteLength
  }
}

function present(about: { room?: string | undefined; ref?: string | undefined }): { room?: string; ref?: string } {
  const fields: { room?: string; ref?: string } = {}
  // An error is about whatever the client named; what is too long to be a room's name is not sent back.
  if (about.room !== undefined && about.room.length <= MAX_ROOM_NAME) fields.room = about.room
  if (about.ref !== undefined) fields.ref = about.ref
  return fields
}
