import { describe, test } from 'node:test'
import { OUTBOX_CHECKS, type OutboxFixture } from './outbox_checks.ts'

/**
 * Checks that a store keeps what a client has to send.
 * @param open A new, empty one, and how to leave nothing behind.
 */
export function outboxConformance(
  name: string,
  open: () => Promise<OutboxFixture & { close(): Promise<void> }>,
): void {
  describe(`C5 ${name} keeps an outbox`, () => {
    for (const { name, check } of OUTBOX_CHECKS) {
      test(name, async () => {
        const fixture = await open()
        try {
          await check(fixture)
        } finally {
          await fixture.close()
        }
      })
    }
  })
}
