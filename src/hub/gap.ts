import type { Cursor, Gap } from '../protocol/reserved.ts'

/** Tells that messages were removed before they could be delivered. */
export function trimmedGap(from: number, to: number, epoch: string): Gap {
  const message = `Messages ${from} to ${to} of this room were removed.`
  return { code: 'history_trimmed', message, missed: { from, to }, cursor: to, epoch }
}

/** Tells that a cursor was made in another log: everything this one holds follows. */
export function epochGap(epoch: string): Gap {
  const message = 'The log is not the one this cursor was made in; everything it holds follows.'
  return { code: 'epoch_changed', message, missed: null, cursor: 0, epoch }
}

/** Tells that a cursor lies beyond the end of the log. */
export function aheadGap(since: number, head: number, epoch: string): Gap {
  const message = `The log of this room ends at ${head}, before the cursor ${since}.`
  return { code: 'cursor_ahead', message, missed: null, cursor: head, epoch }
}

/** Tells that messages are there and may not be read; what comes from now on may. */
export function withheldGap(since: Cursor, cursor: number, epoch: string): Gap {
  const message = `What came before ${cursor + 1} may not be read.`
  const missed = since.epoch === epoch ? { from: since.seq + 1, to: cursor } : null
  return { code: 'forbidden', message, missed, cursor, epoch }
}
