import type { Contract } from '../protocol/contract.ts'
import type { Asked } from './asked.ts'
import { type FallbackNode, wrongMethod } from './node.ts'
import { openSession } from './open_session.ts'
import { readRooms } from './parameters.ts'
import { newCredential } from './sessions.ts'
import { StreamPeer } from './stream_peer.ts'

const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  // Some proxies collect an answer until it is complete, which this one never is.
  'x-accel-buffering': 'no',
}

/**
 * `GET /sse`: a session whose frames are the events of an endless answer.
 * @throws {RotundaError} As rejection: `method_not_allowed`, `connection_limit`, `shutting_down`, `invalid_room`,
 * `invalid_cursor`, `invalid_limit`, `too_many_rooms`, or what `metadata` throws.
 */
export async function answerEvents<C extends Contract, M>(
  node: FallbackNode<C, M>,
  { request, url, caller, admit }: Asked<M>,
): Promise<Response> {
  if (request.method !== 'GET') throw wrongMethod('/sse', request.method, 'GET')
  const { hub, limits, sessions, streams } = node
  const rooms = readRooms(url.searchParams, request.headers.get('last-event-id'), limits.maxRoomsPerSession)
  node.refuseIfFull()
  caller.patient()
  const admission = await admit(true)
  // Where the runtime tells so, a client that did not wait for this is not opened a session that nobody would end.
  if (caller.gone?.aborted === true) return new Response(null, { status: 204 })
  node.refuseIfFull()
  const own = newCredential()
  const peer = new StreamPeer({
    caller,
    epoch: hub.epoch,
    rooms: rooms.map(({ room }) => room),
    limits,
    onEnd: () => {
      streams.delete(peer)
      sessions.delete(own.id)
    },
  })
  const session = openSession(hub, peer, { own, admission, variant: node.events, rooms })
  if (!peer.isOver) {
    sessions.add(session)
    streams.add(peer)
  }
  return new Response(peer.stream as ReadableStream<Uint8Array<ArrayBuffer>>, { headers: HEADERS })
}
