import { type Allowance, RotundaError, type Session } from '../../../src/mod.ts'
import type { FixtureHub, FixtureMetadata } from './fixture_hub.ts'
import type { fixture } from './fixture_protocol.ts'

/** Something the hub told its application, in order. */
export interface FixtureEvent {
  readonly type: 'open' | 'message' | 'close' | 'ping' | 'pong' | 'error' | 'pinged' | 'answer' | 'raw'
  readonly session?: string
  readonly [detail: string]: unknown
}

/** Shorter than any runtime lets a request wait. */
const PATIENCE = 3_000

/** What happened so far, for who asks and for who waits. */
export class FixtureEvents {
  readonly all: FixtureEvent[] = []
  readonly #waiting = new Set<() => void>()

  add(event: FixtureEvent): void {
    this.all.push(event)
    for (const look of this.#waiting) look()
  }

  /** The first event with these fields; undefined when there is none for a while. */
  first(fields: Partial<FixtureEvent>): Promise<FixtureEvent | undefined> {
    const wanted = Object.entries(fields)
    const find = () => this.all.find((event) => wanted.every(([name, value]) => event[name] === value))
    return new Promise((resolve) => {
      const settle = (event: FixtureEvent | undefined) => {
        clearTimeout(timer)
        this.#waiting.delete(look)
        resolve(event)
      }
      const look = () => {
        const event = find()
        if (event !== undefined) settle(event)
      }
      const timer = setTimeout(() => settle(undefined), PATIENCE)
      this.#waiting.add(look)
      look()
    })
  }
}

type FixtureSession = Session<typeof fixture.definitions, FixtureMetadata>

/** Notes what the hub tells; text frames that start with `!` are commands; some user agents make it fail. */
export function record(hub: FixtureHub, events: FixtureEvents): void {
  const known = new WeakMap<FixtureSession, string>()
  // Tells whether every handler is given the object that `open` was given.
  const same = (session: FixtureSession) => known.get(session) === session.id
  breakConnect(hub)
  hub.onOpen((session) => {
    known.set(session, session.id)
    const { id, remoteAddress, remotePort, metadata, state } = session
    events.add({ type: 'open', session: id, remoteAddress, remotePort, metadata, state })
    if (metadata.agent === 'throw in open') throw new TypeError('the fixture was told to fail in open')
  })
  hub.onMessage((session, frame) => {
    const content = typeof frame === 'string' ? frame : [...frame]
    const isBytes = frame instanceof Uint8Array
    events.add({ type: 'message', session: session.id, same: same(session), content, isBytes })
    return typeof frame === 'string' && frame.startsWith('!') ? obey(hub, events, session, frame.slice(1)) : undefined
  })
  hub.onPing((session, data) => {
    events.add({ type: 'ping', session: session.id, same: same(session), data: [...data] })
  })
  hub.onPong((session, data) => {
    events.add({ type: 'pong', session: session.id, same: same(session), data: [...data] })
  })
  hub.onClose((session, code, reason) => {
    const { id, rooms, state, metadata } = session
    events.add({ type: 'close', session: id, same: same(session), code, reason, rooms, state })
    if (metadata.agent === 'throw in close') throw new TypeError('the fixture was told to fail in close')
  })
  hub.onError((error, session) => {
    events.add({ type: 'error', session: session?.id ?? '', message: String(error) })
  })
}

/** A hub does not throw at its transport; a transport must outlive one that does. */
function breakConnect(hub: FixtureHub): void {
  const connect = hub.connect.bind(hub)
  hub.connect = (peer, start) => {
    if (start.metadata.agent === 'throw in connect') throw new TypeError('the fixture was told to fail in connect')
    const connection = connect(peer, start)
    if (start.metadata.agent === 'throw in receive') {
      connection.receive = () => {
        throw new TypeError('the fixture was told to fail in receive')
      }
    }
    return connection
  }
}

/**
 * `!user name`, `!grant room read`, `!revoke room`, `!ask timeout`, `!wait timeout` (asks within the handler),
 * `!close 4321 why`, `!text …`, `!bytes 1,2,3`, `!ping 1,2`, `!mixed room n`, `!parting room n`, `!fill n size`, `!throw`.
 */
export function obey(
  hub: FixtureHub,
  events: FixtureEvents,
  session: FixtureSession,
  command: string,
): 'handled' | Promise<'handled'> {
  const [name, ...rest] = command.split(' ')
  const bytes = () => new Uint8Array((rest[0] ?? '').split(',').filter((text) => text !== '').map(Number))
  switch (name) {
    case 'close':
      session.close(rest[0] === undefined ? undefined : Number(rest[0]), rest.slice(1).join(' '))
      return 'handled'
    case 'text':
      session.sendText(rest.join(' '))
      return 'handled'
    case 'bytes':
      // A view into a larger buffer: what lies around it must not be sent.
      session.sendBytes(new Uint8Array([9, 9, ...bytes(), 9]).subarray(2, -1))
      return 'handled'
    case 'ping':
      events.add({ type: 'pinged', session: session.id, sent: session.ping(bytes()) })
      return 'handled'
    case 'fill':
      for (let i = 0; i < Number(rest[0]); i++) session.sendText(`${i} `.padEnd(Number(rest[1]), 'x'))
      return 'handled'
    case 'user':
      session.metadata.user = rest.join(' ')
      return 'handled'
    case 'grant':
      session.grant(rest[0]!, (rest[1]!.includes(',') ? rest[1]!.split(',') : rest[1]) as Allowance)
      return 'handled'
    case 'revoke':
      return session.revoke(rest[0]).then(() => 'handled')
    case 'ask':
      ask(events, session, Number(rest[0]))
      return 'handled'
    case 'wait':
      return answerOf(session, Number(rest[0])).then((answer) => {
        events.add({ type: 'answer', session: session.id, answer })
        return 'handled'
      })
    case 'mixed':
      return mix(hub, session, rest[0] ?? '', Number(rest[1]))
    case 'parting':
      part(hub, session, rest[0] ?? '', Number(rest[1]))
      return 'handled'
    default:
      throw new TypeError(`the fixture was told to fail: ${command}`)
  }
}

/** Direct sends and room messages by turns; the client must see them in this order. */
async function mix(hub: FixtureHub, session: FixtureSession, room: string, count: number): Promise<'handled'> {
  for (let i = 0; i < count; i++) {
    session.send('chat.typing', { user: `${2 * i}` })
    hub.room(room).broadcast('chat.typing', { user: `${2 * i + 1}` })
    if (i % 10 === 0) await Promise.resolve()
  }
  return 'handled'
}

/** Room messages, then leaving, then more of them: the client must see the first ones only. */
function part(hub: FixtureHub, session: FixtureSession, room: string, count: number): void {
  for (let i = 0; i < count; i++) hub.room(room).broadcast('chat.typing', { user: `${i}` })
  session.leave(room)
  for (let i = 0; i < count; i++) hub.room(room).broadcast('chat.typing', { user: 'too late' })
  session.send('chat.typing', { user: 'end' })
}

/** Asks the client and notes what came of it, while its other frames are handled. */
function ask(events: FixtureEvents, session: FixtureSession, timeout: number): void {
  answerOf(session, timeout).then((answer) => events.add({ type: 'answer', session: session.id, answer }))
}

/** What a client answered, or the code of the error. */
async function answerOf(session: FixtureSession, timeout: number): Promise<string> {
  try {
    return String((await session.request('call.offer', { from: 'the server' }, { timeout })).accepted)
  } catch (error) {
    return error instanceof RotundaError ? error.code : String(error)
  }
}
