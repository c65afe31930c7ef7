/**
 * An outbox that is kept and can be watched, for rotunda's client.
 *
 * @module
 */
export { indexedDbOutbox } from './indexed_db_outbox.ts'
export { memoryOutbox } from './memory_outbox.ts'
export { Outbox, outbox } from './outbox.ts'
export type { OutboxOptions } from './outbox.ts'
export type { Outgoing, OutgoingState } from './outgoing.ts'
export type { OutboxEntry, OutboxId, OutboxStore } from './store.ts'
