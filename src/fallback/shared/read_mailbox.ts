import type { Contract } from '../../protocol/contract.ts'
import type { Gap } from '../../protocol/reserved.ts'
import type { Hub } from '../../hub/mod.ts'
import { ENVELOPES } from '../envelope_frame.ts'
import { MAX_ANSWER } from '../mailbox.ts'
import type { Entry, SharedMailbox } from './shared_mailbox.ts'

/** What a reader is given, and where it stands then. */
interface Read {
  readonly frames: Uint8Array[]
  bytes: number
  position: number
}

/**
 * The messages of a mailbox after a place; what is durable is read from the log.
 * @param place Undefined for one in a mailbox that is gone.
 * @throws {RotundaError} As rejection: `store_unavailable`.
 */
export async function readMailbox<C extends Contract, M>(
  hub: Hub<C, M>,
  mailbox: SharedMailbox,
  place: number | undefined,
  most: number,
): Promise<Read> {
  const read: Read = { frames: [], bytes: 0, position: place ?? 0 }
  const entries = mailbox.after(read.position)
  const last = mailbox.last
  if (place === undefined || (mailbox.hasForgotten(place) && place > 0)) tellGap(read, place, hub.epoch)
  for (const entry of entries) {
    if (read.frames.length >= most || read.bytes > MAX_ANSWER) return read
    if (entry.room === undefined) {
      add(read, entry.frame)
      read.position = entry.position
    } else await readRun(hub, entry, read, most)
  }
  if (read.frames.length < most && read.bytes <= MAX_ANSWER) read.position = last
  return read
}

/** The part of a run of log messages that comes after the reader's place. */
async function readRun<C extends Contract, M>(
  hub: Hub<C, M>,
  { room, position, to, from }: Extract<Entry, { room: string }>,
  read: Read,
  most: number,
): Promise<void> {
  const after = Math.max(from - 1, to - (position - read.position))
  const view = hub.reader.open(room)
  try {
    await view.start({ since: { epoch: hub.epoch, seq: after } })
    while (view.cursor < to && view.isBehind && read.frames.length < most && read.bytes <= MAX_ANSWER) {
      const count = Math.min(most - read.frames.length, to - view.cursor)
      const piece = await view.read(ENVELOPES, count, MAX_ANSWER - read.bytes)
      if (piece.gap !== undefined) add(read, envelope('room.gap', piece.gap, room))
      for (const { frame, last } of piece.frames) if (last <= to) add(read, frame as Uint8Array)
    }
    read.position = position - Math.max(0, to - view.cursor)
  } finally {
    view.close()
  }
}

function tellGap(read: Read, place: number | undefined, epoch: string): void {
  const code = place === undefined ? 'epoch_changed' : 'history_trimmed'
  const message = 'The mailbox was forgotten in the meantime, or held more than it keeps; the rooms have their logs.'
  const gap: Gap = { code, message, missed: null, cursor: read.position, epoch }
  add(read, envelope('room.gap', gap))
}

function envelope(type: string, payload: Gap, room?: string): Uint8Array {
  const about = room === undefined ? {} : { room }
  return ENVELOPES.codec.encode([{ type, ...about, payload: JSON.stringify(payload) }]) as Uint8Array
}

function add(read: Read, frame: Uint8Array): void {
  read.frames.push(frame)
  read.bytes += frame.byteLength
}
