/** Suites that check an implementation of one of rotunda's ports. */
export { storeConformance } from './store_suite.ts'
export type { StoreFixture } from './store_suite.ts'
