import type { HistoryPage, LogEntry } from './inbox.ts'
import { RotundaError } from '../protocol/rotunda_error.ts'

/** Where to start reading a room's history, and how much to fetch at once. */
export interface HistoryOptions {
  /** Only messages older than the one with this id. Default: from the newest. */
  readonly before?: string | undefined
  /** Messages in one answer of the server, 1 to 200. Default 50. */
  readonly limit?: number | undefined
}

/** Reads backwards through a room, a page at a time, until the reader stops or the oldest message was given. */
export async function* readHistory(
  options: HistoryOptions,
  ask: (payload: { before?: string; limit: number }) => Promise<HistoryPage>,
): AsyncGenerator<LogEntry, void> {
  const { limit = 50 } = options
  let { before } = options
  for (;;) {
    const { messages, trimmed } = await askAgain(() => ask(before === undefined ? { limit } : { before, limit }))
    yield* messages
    const oldest = messages.at(-1)
    if (oldest === undefined || oldest.seq <= trimmed + 1) return
    before = oldest.id
  }
}

/** Reading changes nothing: what a lost connection left unanswered is asked again on the next one. */
async function askAgain<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      if (!(error instanceof RotundaError) || error.code !== 'disconnected') throw error
    }
  }
}
