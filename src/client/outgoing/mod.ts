/**
 * What a client has published and how it stands, for rotunda's client.
 *
 * @module
 */
export { outgoing } from './outgoing.ts'
export type { OutgoingEntry, OutgoingList, OutgoingState } from './outgoing.ts'
