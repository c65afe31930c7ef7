import { RotundaError } from '../../protocol/errors.ts'

const ROOM = 'room:'
const LONGEST = 256
/** The mailbox of what is sent to everybody. */
export const BROADCAST = 'broadcast'

/** The mailbox of a room, or of what has none. */
export function mailboxFor(room: string | undefined): string {
  return room === undefined ? BROADCAST : ROOM + room
}

/** The room whose mailbox it is. */
export function roomOfMailbox(mailbox: string): string | undefined {
  return mailbox.startsWith(ROOM) ? mailbox.slice(ROOM.length) : undefined
}

/** The mailbox that an envelope names itself, in its field `session_id`. */
export function namedMailbox(text: string): string | undefined {
  if (!text.includes('"session_id"')) return undefined
  const { session_id: named } = JSON.parse(text) as { session_id?: unknown }
  return typeof named === 'string' ? named : undefined
}

/** @throws {RotundaError} `not_found` for what is no name. */
export function checkMailbox(mailbox: string): string {
  if (mailbox.length > 0 && mailbox.length <= LONGEST) return mailbox
  throw new RotundaError('not_found', `A mailbox has a name of 1 to ${LONGEST} characters.`)
}

/** Gives an envelope that says nothing of where it goes what the mailbox says that it is sent to. */
export function addressed(text: string, mailbox: string): string {
  const value = JSON.parse(text) as Record<string, unknown>
  if (Array.isArray(value) || value['room'] !== undefined || value['to'] !== undefined) return text
  if (mailbox === BROADCAST) return JSON.stringify({ ...value, to: '*' })
  const room = roomOfMailbox(mailbox)
  return room === undefined ? text : JSON.stringify({ ...value, room })
}
