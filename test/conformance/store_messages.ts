import assert from 'node:assert/strict'
import type { AppendMessage, MessageStore, StoredMessage } from '../../src/storage/mod.ts'

/** A message to append; what a test does not care about is filled in. */
export function message(room: string, parts: Partial<AppendMessage> = {}): AppendMessage {
  return {
    room,
    kind: 'event',
    type: 'chat.message',
    from: null,
    key: null,
    ts: 1_760_000_000_000,
    payload: '{}',
    ...parts,
  }
}

/** Messages of a room whose payloads are the given numbers. */
export function numbered(room: string, from: number, to: number): AppendMessage[] {
  return Array.from({ length: to - from + 1 }, (_, i) => message(room, { payload: String(from + i) }))
}

/** Everything in the log, read page by page. */
export async function readAll(store: MessageStore, page = 500): Promise<StoredMessage[]> {
  const all: StoredMessage[] = []
  for (;;) {
    const got = await store.replayFrom(all.at(-1)?.id ?? '', page)
    if (got.length === 0) return all
    all.push(...got)
  }
}

/** Fails unless ids rise strictly and each room's seqs run from 1 without a hole. */
export function assertOrdered(all: readonly StoredMessage[]): void {
  const heads = new Map<string, number>()
  let last = ''
  for (const { id, room, seq } of all) {
    assert.match(id, /^\d{20}$/)
    assert.ok(id > last, `id ${id} does not come after ${last}`)
    assert.equal(seq, (heads.get(room) ?? 0) + 1, `seq of the next message of ${room}`)
    last = id
    heads.set(room, seq)
  }
}
