import assert from 'node:assert/strict'
import { join } from 'node:path'
import test from 'node:test'
import type { Connection, PageQuery } from '../../adapters/libsql/connection.ts'
import { openFileConnection } from '../../adapters/libsql/file_connection.ts'
import { libsqlSettings } from '../../adapters/libsql/options.ts'
import { openStore } from '../../adapters/libsql/store.ts'
import type { MessageStore } from '../../src/storage/mod.ts'
import { message, numbered } from '../conformance/store_messages.ts'
import { range } from '../support/test_hub.ts'
import { tempDir } from '../support/temp_dir.ts'

/** A store on a file whose database sends at most 50 rows at once, and what it was asked for. */
async function withSmallPages(
  body: (given: { store: MessageStore; connection: Connection; asked: PageQuery[] }) => Promise<void>,
): Promise<void> {
  const dir = await tempDir()
  const settings = libsqlSettings({ url: `file:${join(dir.path, 'rotunda.db')}`, worker: false })
  const connection = await openFileConnection(settings, 'writer')
  const asked: PageQuery[] = []
  const small: Connection = {
    ...connection,
    page: (query) => {
      asked.push(query)
      return query.limit > 50 ? Promise.resolve(null) : connection.page(query)
    },
  }
  const store = await openStore(() => Promise.resolve(small), false)
  try {
    await body({ store, connection, asked })
  } finally {
    await store.close()
    await dir.remove()
  }
}

test('L1 a page larger than the database sends at once is read in pieces', () =>
  withSmallPages(async ({ store, asked }) => {
    await store.append(numbered('a', 1, 130))
    const seqs = async (reading: ReturnType<MessageStore['replayRoom']>) => (await reading).map(({ seq }) => seq)
    assert.deepEqual(await seqs(store.replayRoom('a', 0, 130)), range(1, 130))
    assert.deepEqual(await seqs(store.replayFrom('', 130)), range(1, 130))
    assert.deepEqual(await seqs(store.listByRoom('a', 130)), range(1, 130).reverse())
    assert.ok(asked.length > 9)
  }))

test('L6 a trim between two pieces of a page is no hole in the page: it ends there', () =>
  withSmallPages(async ({ store, connection }) => {
    await store.append(numbered('a', 1, 200))
    const page = connection.page
    let pieces = 0
    connection.page = async (query) => {
      const answer = await page(query)
      if (++pieces === 1) await connection.trim([['a', 120]])
      return answer
    }
    const first = await store.replayRoom('a', 0, 200)
    assert.deepEqual(first.map(({ seq }) => seq), range(1, first.length))
    assert.ok(first.length > 0 && first.length <= 50)
    const next = await store.replayRoom('a', first.length, 200)
    assert.deepEqual(next.map(({ seq }) => seq), range(121, 200))
  }))

test('L1 a room that has bytes is asked for them at once from then on, others are not', () =>
  withSmallPages(async ({ store, asked }) => {
    await store.append([message('bytes', { payload: Uint8Array.of(1) }), message('text')])
    for (let i = 0; i < 3; i++) {
      await store.replayRoom('bytes', 0, 10)
      await store.replayRoom('text', 0, 10)
    }
    const of = (room: string) => asked.filter((query) => query.of === 'room' && query.room === room)
    assert.deepEqual(of('bytes').map(({ bytes }) => bytes), [false, true, true, true])
    assert.deepEqual(of('text').map(({ bytes }) => bytes), [false, false, false])
  }))
