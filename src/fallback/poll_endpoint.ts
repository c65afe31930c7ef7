import type { Contract } from '../protocol/contract.ts'
import { CLOSE } from '../protocol/close_codes.ts'
import { RotundaError } from '../protocol/errors.ts'
import { quote } from '../protocol/names.ts'
import { answerArray } from './answers.ts'
import { type Asked, readSession } from './asked.ts'
import { ENVELOPES } from './envelope_frame.ts'
import { Mailbox } from './mailbox.ts'
import { MailboxPeer } from './mailbox_peer.ts'
import { type FallbackNode, wrongMethod } from './node.ts'
import { openSession } from './open_session.ts'
import { readPoll, readRooms } from './parameters.ts'
import { pollRooms } from './room_poll.ts'

/**
 * `/poll`: POST opens a session, GET reads its mailbox, or rooms without one, or a shared mailbox; DELETE ends it.
 * @throws {RotundaError} As rejection: what is wrong with the request.
 */
export function answerPoll<C extends Contract, M>(node: FallbackNode<C, M>, asked: Asked<M>): Promise<Response> {
  switch (asked.request.method) {
    case 'GET':
      return poll(node, asked)
    case 'POST':
      return open(node, asked)
    case 'DELETE':
      return end(node, asked)
    default:
      throw wrongMethod('/poll', asked.request.method, 'GET, POST or DELETE')
  }
}

async function open<C extends Contract, M>(
  node: FallbackNode<C, M>,
  { url, caller, admit }: Asked<M>,
): Promise<Response> {
  const { hub, limits, settings, counts, sessions, waits } = node
  const rooms = readRooms(url.searchParams, null, limits.maxRoomsPerSession)
  node.refuseIfFull()
  const admission = await admit(true)
  node.refuseIfFull()
  const peer = new MailboxPeer(caller, new Mailbox(settings.mailbox, counts), limits)
  const session = openSession(hub, peer, { admission, variant: ENVELOPES, rooms })
  sessions.add(session)
  const { frames, position } = await peer.read(undefined, { wait: 0, max: settings.mailbox }, {
    waits,
    gone: undefined,
  })
  return answerArray(frames, position, 201)
}

async function poll<C extends Contract, M>(node: FallbackNode<C, M>, asked: Asked<M>): Promise<Response> {
  const { request, url, caller } = asked
  const parameters = readPoll(url.searchParams, node.settings.maxWait)
  if (parameters.wait > 0) caller.patient()
  node.countPoll()
  const { credential, mailbox } = readSession(asked)
  if (credential === undefined && mailbox === undefined) return pollLog(node, asked)
  if (url.searchParams.has('room')) {
    throw new RotundaError('invalid_room', 'A poll is of rooms or of a session, not of both.')
  }
  if (credential === undefined) return await node.visit(() => pollShared(node, asked, mailbox!))
  const { id, peer, connection } = node.sessions.find(credential)
  if (!(peer instanceof MailboxPeer)) {
    throw new RotundaError('invalid_frame', 'This session has a stream, not a mailbox.')
  }
  await node.hub.continued(connection, await asked.admit())
  const letters = await peer.read(readPosition(url.searchParams), parameters, { waits: node.waits, gone: caller.gone })
  if (peer.isOver && letters.frames.length === 0 && !request.signal?.aborted) {
    node.sessions.delete(id)
    throw node.sessions.unknown()
  }
  return answerArray(letters.frames, letters.position)
}

async function pollLog<C extends Contract, M>(node: FallbackNode<C, M>, asked: Asked<M>): Promise<Response> {
  const { hub, limits, waits, settings } = node
  const { searchParams } = asked.url
  const rooms = readRooms(searchParams, null, limits.maxRoomsPerSession)
  if (rooms.length === 0) throw new RotundaError('invalid_room', 'A poll names a "room" or more, or a "session".')
  const poll = readPoll(searchParams, settings.maxWait)
  return await node.visit(async () => {
    const admission = await asked.admit()
    const authorize = async () => {
      for (const { room, request } of rooms) await hub.reader.check(admission, room, request)
    }
    const { epoch, reader } = hub
    const open = (room: string, onMoved: () => void) => reader.open(room, onMoved)
    const { frames, cursor } = await pollRooms({ epoch, rooms, poll, waits, gone: asked.caller.gone, open, authorize })
    return answerArray(frames, cursor)
  })
}

async function pollShared<C extends Contract, M>(
  node: FallbackNode<C, M>,
  asked: Asked<M>,
  mailbox: string,
): Promise<Response> {
  if (node.shared === undefined) throw new RotundaError('not_found', `There is no session ${quote(mailbox)} here.`)
  const poll = readPoll(asked.url.searchParams, node.settings.maxWait)
  const { waits } = node
  const { searchParams } = asked.url
  const { frames, cursor } = await node.shared.read(mailbox, await asked.admit(), {
    cursor: searchParams.get('cursor'),
    poller: searchParams.get('poller'),
    poll,
    waits,
    gone: asked.caller.gone,
  })
  return answerArray(frames, cursor)
}

async function end<C extends Contract, M>(node: FallbackNode<C, M>, asked: Asked<M>): Promise<Response> {
  const { credential } = readSession(asked)
  const session = node.sessions.find(credential ?? '')
  await node.hub.continued(session.connection, await asked.admit())
  session.connection.close(CLOSE.normal, 'The client has finished.')
  node.sessions.delete(session.id)
  return new Response(null, { status: 204 })
}

/** @throws {RotundaError} `invalid_cursor` */
function readPosition(parameters: URLSearchParams): number | undefined {
  const text = parameters.get('cursor')
  if (text === null) return undefined
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new RotundaError('invalid_cursor', `${quote(text)} is not a cursor of a session's mailbox.`)
}
