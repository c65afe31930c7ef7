/** Suites that check an implementation of one of rotunda's ports. */
export { codecConformance } from './codec_suite.ts'
export type { OutboxFixture } from './outbox_checks.ts'
export { outboxConformance } from './outbox_suite.ts'
export { storeConformance } from './store_suite.ts'
export type { StoreFixture } from './store_suite.ts'
