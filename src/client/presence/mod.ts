/**
 * Who is present in a room, for rotunda's client.
 *
 * @module
 */
export { Presence, presence } from './presence.ts'
export type { AnyRoom, PresenceOptions } from './options.ts'
export type { PresenceMember } from './member_list.ts'
