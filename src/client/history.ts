import type { HistoryRequest } from '../protocol/reserved.ts'
import type { Membership } from './membership.ts'
import type { Outbox } from './outbox.ts'
import type { AnyMessage } from './receiver.ts'

/** Where to start reading a room's history, and how much to fetch at once. */
export interface HistoryOptions {
  /** Only messages older than the one with this id. Default: from the newest. */
  readonly before?: string | undefined
  /** Messages in one answer of the server, 1 to 200. Default 50. */
  readonly limit?: number | undefined
}

/** Reads backwards through a room, a page at a time, until the reader stops or the oldest message was given. */
export async function* readHistory(
  { name, receiver }: Membership,
  { before, limit = 50 }: HistoryOptions,
  outbox: Outbox,
): AsyncGenerator<AnyMessage, void> {
  for (;;) {
    const page = await outbox.history(name, { before, limit } as HistoryRequest).catch((error) => {
      // Reading changes nothing: what a lost connection left unanswered is asked again on the next one.
      if (error.code !== 'disconnected') throw error
    })
    if (!page) continue
    for (const entry of page.messages) {
      try {
        const message = await receiver.read(entry)
        if (message) yield message
      } catch (error) {
        receiver.report(error, entry)
      }
      if (entry.seq <= page.trimmed + 1) return
      before = entry.id
    }
    if (!page.messages[0]) return
  }
}
