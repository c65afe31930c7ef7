import type { Contract } from '../protocol/contract.ts'
import { CLOSE } from '../protocol/close_codes.ts'
import { RotundaError } from '../protocol/errors.ts'
import { quote } from '../protocol/names.ts'
import { answerArray } from './answers.ts'
import { type Asked, readSession } from './asked.ts'
import { ENVELOPES } from './envelope_frame.ts'
import { type Later, waitAt } from './later.ts'
import { Mailbox } from './mailbox.ts'
import { MailboxPeer } from './mailbox_peer.ts'
import { type FallbackNode, wrongMethod } from './node.ts'
import { openSession } from './open_session.ts'
import { type PollParameters, readPoll, readRooms } from './parameters.ts'
import { pollRooms } from './room_poll.ts'
import { newCredential } from './sessions.ts'
import { answerMailbox, WaitingMailbox } from './waiting_mailbox.ts'

/**
 * `/poll`: POST opens a session, GET reads its mailbox, or rooms without one, or a shared mailbox; DELETE ends it.
 * @throws {RotundaError} As rejection: what is wrong with the request.
 */
export function answerPoll<C extends Contract, M>(
  node: FallbackNode<C, M>,
  asked: Asked<M>,
): Promise<Response | Later> {
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
  const { hub, limits, settings, counts, sessions } = node
  const rooms = readRooms(url.searchParams, null, limits.maxRoomsPerSession)
  node.refuseIfFull()
  const admission = await admit(true)
  node.refuseIfFull()
  const peer = new MailboxPeer(caller, new Mailbox(settings.mailbox, limits.highWaterMark, counts), limits)
  const session = openSession(hub, peer, { own: newCredential(), admission, variant: ENVELOPES, rooms })
  sessions.add(session)
  const { frames, position } = peer.read(undefined, settings.mailbox)
  return answerArray(frames, position, 201)
}

async function poll<C extends Contract, M>(node: FallbackNode<C, M>, asked: Asked<M>): Promise<Response | Later> {
  const { caller } = asked
  const { searchParams } = asked.url
  const parameters = readPoll(searchParams, node.settings.maxWait)
  if (parameters.wait > 0) caller.patient()
  node.countPoll()
  const { credential, mailbox } = readSession(asked)
  if (credential === undefined && mailbox === undefined) return await pollLog(node, asked, parameters)
  if (searchParams.has('room')) {
    throw new RotundaError('invalid_room', 'A poll is of rooms or of a session, not of both.')
  }
  if (mailbox !== undefined) return await pollShared(node, asked, mailbox, parameters)
  const session = node.sessions.find(credential!)
  const { peer } = session
  if (!(peer instanceof MailboxPeer)) {
    throw new RotundaError('invalid_frame', 'This session has a stream, not a mailbox.')
  }
  await node.hub.continued(session.connection, await asked.admit())
  const position = readPosition(searchParams)
  peer.polled(position)
  const one = { id: session.id, peer, position, max: parameters.max }
  if (!peer.isEmpty || peer.isOver || parameters.wait === 0) return answerMailbox(node.sessions, one)
  return waitAt(new WaitingMailbox(one, performance.now() + parameters.wait, node), caller.gone)
}

async function pollLog<C extends Contract, M>(
  node: FallbackNode<C, M>,
  { url, caller, admit }: Asked<M>,
  poll: PollParameters,
): Promise<Response | Later> {
  const rooms = readRooms(url.searchParams, null, node.limits.maxRoomsPerSession)
  if (rooms.length === 0) throw new RotundaError('invalid_room', 'A poll names a "room" or more, or a "session".')
  node.refuseIfFull()
  const who = await admit()
  return await pollRooms(node, { who, rooms, poll, gone: poll.wait > 0 ? caller.gone : undefined })
}

async function pollShared<C extends Contract, M>(
  node: FallbackNode<C, M>,
  { url, caller, admit }: Asked<M>,
  mailbox: string,
  poll: PollParameters,
): Promise<Response> {
  const { shared, waits } = node
  if (shared === undefined) throw new RotundaError('not_found', `There is no session ${quote(mailbox)} here.`)
  node.enter()
  try {
    const cursor = url.searchParams.get('cursor')
    const poller = url.searchParams.get('poller')
    const place = { cursor, poller, poll, waits, gone: poll.wait > 0 ? caller.gone : undefined }
    const read = await shared.read(mailbox, await admit(), place)
    return answerArray(read.frames, read.cursor)
  } finally {
    node.leave()
  }
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
