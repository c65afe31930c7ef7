import type { History, Inspection, LogEnvelope } from '../hub/mod.ts'
import { asRotundaError } from '../protocol/errors.ts'
import type { FollowedMessage, FollowedRoom } from './view.ts'

/** Messages of a room that are looked back at. */
const LAST = 50
/** Characters of a payload that are shown. */
const PREVIEW = 240
/** Bytes of a binary payload that are shown, in hexadecimal. */
const PREVIEW_BYTES = 48

/** What is known of a room for all who follow it. */
export interface RoomTail {
  readonly head: number
  readonly trimmed: number
  /** Oldest first. */
  readonly messages: readonly FollowedMessage[]
  readonly error: string | null
}

/** The newest messages of a room's log. What cannot be read is part of the answer: the rest of it is worth showing. */
export async function tailOf(inspection: Inspection, room: string, payloads: boolean): Promise<RoomTail> {
  try {
    const { head, trimmed, messages }: History = await inspection.history(room, { limit: LAST })
    return { head, trimmed, messages: messages.map((message) => describe(message, payloads)).reverse(), error: null }
  } catch (thrown) {
    return { head: 0, trimmed: 0, messages: [], error: asRotundaError(thrown).message }
  }
}

/** What a page that has the messages up to `after` is told. */
export function followed(room: string, members: number, tail: RoomTail, after: number): FollowedRoom {
  return { ...tail, room, members, messages: tail.messages.filter(({ seq }) => seq > after) }
}

function describe({ seq, id, ts, type, from, payload }: LogEnvelope, payloads: boolean): FollowedMessage {
  const isBytes = typeof payload !== 'string'
  const preview = payloads ? (isBytes ? hexOf(payload) : cut(payload)) : null
  return { seq, id, ts, type, from: from ?? null, size: payload.length, isBytes, preview }
}

function cut(text: string): string {
  // Half of a surrogate pair would be no character.
  return text.length <= PREVIEW ? text : `${text.slice(0, PREVIEW).replace(/[\ud800-\udbff]$/, '')}…`
}

function hexOf(bytes: Uint8Array): string {
  const shown = [...bytes.subarray(0, PREVIEW_BYTES)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ')
  return bytes.length <= PREVIEW_BYTES ? shown : `${shown} …`
}
