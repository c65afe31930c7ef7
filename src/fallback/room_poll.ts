import type { Contract } from '../protocol/contract.ts'
import type { Visitor } from '../hub/mod.ts'
import { type Later, waitAt } from './later.ts'
import type { FallbackNode } from './node.ts'
import type { PlacedRoom, PollParameters } from './parameters.ts'
import { inTime, RoomReading } from './room_reading.ts'
import { WaitingRooms } from './waiting_rooms.ts'

/** A poll of rooms by somebody who is in none of them. */
export interface RoomPoll<M> {
  readonly who: Visitor<M>
  readonly rooms: readonly PlacedRoom[]
  readonly poll: PollParameters
  readonly gone: AbortSignal | undefined
}

/**
 * Answers with what is there, or later when something is.
 * @throws {RotundaError} As rejection: `connection_limit`, `shutting_down`, `forbidden`, `store_unavailable`, what
 * `authorize` rejects with.
 */
export async function pollRooms<C extends Contract, M>(
  node: FallbackNode<C, M>,
  { who, rooms, poll: { wait, max }, gone }: RoomPoll<M>,
): Promise<Response | Later> {
  const { reader } = node.hub
  const until = performance.now() + wait
  for (const { room, request } of rooms) await reader.check(who, room, request)
  node.enter()
  const waiting = new WaitingRooms(node, { who, views: rooms.map(({ room }) => reader.open(room)), max, until })
  let isHeld = false
  try {
    const reading = new RoomReading(waiting.views, max)
    await inTime(reading.start(rooms))
    if (reading.frames.length === 0) await inTime(reading.read())
    if (reading.frames.length > 0 || wait === 0) return waiting.answerWith(reading.frames)
    isHeld = true
    return waitAt(waiting, gone)
  } finally {
    if (!isHeld) waiting.close()
  }
}
