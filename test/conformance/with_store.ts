import test from 'node:test'
import type { MessageStore } from '../../src/storage/mod.ts'
import type { StoreFixture } from './store_suite.ts'

/** What a test of the suite is given. */
export interface StoreTest {
  readonly store: MessageStore
  /** Opens another store on the same log; closed after the test. */
  another(): Promise<MessageStore>
}

/** Registers tests that each get a store on an empty log, cleaned up whatever happens. */
export function withStore(name: string, make: () => Promise<StoreFixture>) {
  return (promise: string, body: (given: StoreTest) => Promise<void>): void => {
    test(`${name}: ${promise}`, async () => {
      const fixture = await make()
      const opened: MessageStore[] = []
      const another = async () => {
        const store = await fixture.open()
        opened.push(store)
        return store
      }
      try {
        await body({ store: await another(), another })
      } finally {
        for (const store of opened) await store.close()
        await fixture.remove()
      }
    })
  }
}
