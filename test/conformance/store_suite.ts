import { storeAppendSuite } from './store_append_suite.ts'
import { storeBytesSuite } from './store_bytes_suite.ts'
import { storeReadSuite } from './store_read_suite.ts'
import { storeRoomsSuite } from './store_rooms_suite.ts'
import { storeSharedSuite } from './store_shared_suite.ts'
import type { MessageStore } from '../../src/storage/mod.ts'

/** One empty log for one test. */
export interface StoreFixture {
  /** Opens the log; called again, opens another store on the same log. A log that is not shared is opened once. */
  open(): Promise<MessageStore>
  /** Removes the log; the stores opened are closed by then. */
  remove(): Promise<void>
}

/**
 * Registers tests (`node:test`) that check a {@link MessageStore}. Runs under `bun test` and `deno test`.
 *
 * @param name put in front of every test's name
 * @param fixture makes an empty log; called once a test
 * @param options.shared whether several stores can have one log open, and it is still there when all are closed
 * (default true); if not, the tests of that are left out
 *
 * @example
 * ```ts
 * storeConformance('my store', async () => {
 *   const dir = await mkdtemp('/tmp/my-store-')
 *   return { open: () => myStore(dir), remove: () => rm(dir, { recursive: true }) }
 * })
 * ```
 */
export function storeConformance(
  name: string,
  fixture: () => Promise<StoreFixture>,
  { shared = true }: { readonly shared?: boolean } = {},
): void {
  storeAppendSuite(name, fixture)
  storeReadSuite(name, fixture)
  storeBytesSuite(name, fixture)
  storeRoomsSuite(name, fixture)
  if (shared) storeSharedSuite(name, fixture)
}
