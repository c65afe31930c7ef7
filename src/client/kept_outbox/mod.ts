/**
 * An outbox that outlives its client, for rotunda's client.
 *
 * @module
 */
export { indexedDbOutbox } from './indexed_db_outbox.ts'
export { memoryOutbox } from './memory_outbox.ts'
export { outbox } from './outbox.ts'
export type { OutboxOptions } from './outbox.ts'
export type { OutboxEntry, OutboxId, OutboxStore } from './store.ts'
