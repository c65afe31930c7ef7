import type { Contract } from '../../protocol/contract.ts'
import type { Envelope } from '../../protocol/envelope.ts'
import { RotundaError } from '../../protocol/errors.ts'
import { checkRoomName, quote } from '../../protocol/names.ts'
import type { BuiltinRequest } from '../builtin_requests.ts'
import type { Connection } from '../connection.ts'
import type { HubCore } from '../core.ts'
import { encodePayload, validate } from '../definitions.ts'

/** The protocol's requests about presence, by type. */
export function presenceRequests<C extends Contract, M>(): ReadonlyMap<string, BuiltinRequest<C, M>> {
  return new Map<string, BuiltinRequest<C, M>>([
    ['presence.set', set],
    ['presence.clear', clear],
    ['presence.watch', watch],
    ['presence.unwatch', unwatch],
  ])
}

function set<C extends Contract, M>(
  core: HubCore<C, M>,
  connection: Connection<M>,
  envelope: Envelope,
): void | Promise<void> {
  const state = readState(envelope.payload)
  return whenAllowed(core, connection, envelope, (room) => {
    const apply = (text: string | undefined) => {
      requireRoom(connection, room)
      const member = core.presence.set(connection, room, text)
      connection.sendReply(envelope.type, envelope.ref, room, JSON.stringify({ member }))
    }
    const text = checkState(core, connection, state)
    return text instanceof Promise ? text.then(apply) : apply(text)
  })
}

function clear<C extends Contract, M>(core: HubCore<C, M>, connection: Connection<M>, envelope: Envelope): void {
  const room = checkRoomName(envelope.room)
  core.presence.clear(connection, room)
  connection.sendReply(envelope.type, envelope.ref, room, '{}')
}

function watch<C extends Contract, M>(
  core: HubCore<C, M>,
  connection: Connection<M>,
  envelope: Envelope,
): void | Promise<void> {
  return whenAllowed(core, connection, envelope, (room) => {
    connection.sendReply(envelope.type, envelope.ref, room, '{}')
    core.presence.watch(connection, room)
  })
}

function unwatch<C extends Contract, M>(core: HubCore<C, M>, connection: Connection<M>, envelope: Envelope): void {
  const room = checkRoomName(envelope.room)
  core.presence.unwatch(connection, room)
  connection.sendReply(envelope.type, envelope.ref, room, '{}')
}

/**
 * Does something in a room whose presence the session may see and be seen in.
 * @throws {RotundaError} `invalid_room`, `forbidden`, or what `authorize` throws.
 */
function whenAllowed<C extends Contract, M>(
  core: HubCore<C, M>,
  connection: Connection<M>,
  envelope: Envelope,
  then: (room: string) => void | Promise<void>,
): void | Promise<void> {
  const room = checkRoomName(envelope.room)
  requireRoom(connection, room)
  const version = connection.accessVersion
  const allowed = core.access.check(connection, 'presence', room)
  // What it may do can be changed while the application is asked, or a schema.
  const recheck = () => version === connection.accessVersion ? undefined : core.presence.reauthorize(connection)
  if (allowed === undefined) return then(room)?.then(recheck)
  return allowed.then(() => {
    requireRoom(connection, room)
    return then(room)
  }).then(recheck)
}

/** @throws {RotundaError} `forbidden` */
function requireRoom(connection: Connection, room: string): void {
  if (connection.room(room) !== undefined) return
  throw new RotundaError('forbidden', `Presence in room ${quote(room)} is for who is in it; join it first.`)
}

/** @throws {RotundaError} `invalid_payload` */
function readState(payload: unknown): unknown {
  if (typeof payload === 'object' && payload !== null && !Array.isArray(payload) && !(payload instanceof Uint8Array)) {
    return (payload as { state?: unknown }).state
  }
  throw new RotundaError('invalid_payload', 'payload: must be an object')
}

/**
 * A state as JSON text; undefined when none is said.
 * @throws {RotundaError} `invalid_payload`, `presence_too_big`
 */
function checkState<C extends Contract, M>(
  core: HubCore<C, M>,
  connection: Connection<M>,
  state: unknown,
): string | undefined | Promise<string> {
  const { schema, maxState } = core.presence.settings
  if (state === undefined) return undefined
  if (state === null) return 'null'
  const encode = (checked: unknown): string => {
    const text = encodePayload(checked)
    if (typeof text !== 'string') throw new RotundaError('invalid_payload', 'payload.state: is not a JSON value')
    if (text.length * 3 <= maxState || connection.peer.host.byteLength(text) <= maxState) return text
    throw new RotundaError('presence_too_big', `A presence state may have ${maxState} bytes as JSON.`)
  }
  if (schema === undefined) return encode(state)
  const checked = validate(schema, state)
  return checked instanceof Promise ? checked.then(encode) : encode(checked)
}
