import { counter, type Family, gauge, histogram } from '../family.ts'
import type { Reading } from '../source.ts'

/** How messages become durable. */
export const journalFamilies: readonly Family<Reading>[] = [
  gauge('rotunda_journal_messages', 'Messages that wait for the next commit.', ({ metrics }) => metrics.waiting),
  gauge('rotunda_journal_max_messages', 'Messages that may wait for the next commit.', ({ hub }) => {
    return hub.limits.maxJournalQueue
  }),
  counter('rotunda_commits_total', 'Commits that the store confirmed.', ({ metrics }) => metrics.commits),
  counter('rotunda_commit_failures_total', 'Commits that the store did not confirm.', ({ metrics }) => metrics.failed),
  counter('rotunda_stored_messages_total', 'Messages added to the log.', ({ metrics }) => metrics.messages),
  counter('rotunda_repeated_messages_total', 'Messages that were in the log already, by their key.', ({ metrics }) => {
    return metrics.repeats
  }),
  histogram('rotunda_commit_seconds', 'How long the store took for a commit.', 0.001, ({ metrics }) => {
    return metrics.commitMilliseconds
  }),
  histogram('rotunda_commit_messages', 'Messages in a commit.', 1, ({ metrics }) => metrics.commitMessages),
]
