import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import test from 'node:test'
import { promisify } from 'node:util'
import { type Client, createClient } from '@libsql/client/sqlite3'
import { getTableConfig } from 'drizzle-orm/sqlite-core'
import { libsqlStore, wsMessages, wsMeta, wsTrims } from '../../adapters/libsql/mod.ts'
import { migrate } from '../../adapters/libsql/migrations.ts'
import { message } from '../conformance/store_messages.ts'
import { tempDir } from '../support/temp_dir.ts'

async function withFile(body: (given: { url: string; path: string; client: Client }) => Promise<void>): Promise<void> {
  const dir = await tempDir()
  const path = join(dir.path, 'rotunda.db')
  const client = createClient({ url: `file:${path}` })
  try {
    await body({ url: `file:${path}`, path, client })
  } finally {
    client.close()
    await dir.remove()
  }
}

const plain = (rows: readonly object[]) => rows.map((row) => ({ ...row }))

test('L2 the migrated tables are those of the drizzle schema', () =>
  withFile(async ({ url, client }) => {
    await (await libsqlStore({ url, worker: false })).close()
    const tables = await client.execute(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'ws_%' ORDER BY name",
    )
    const schema = [wsMessages, wsMeta, wsTrims].map(getTableConfig)
    assert.deepEqual(tables.rows.map((row) => row['name']), schema.map(({ name }) => name))
    for (const { name, columns, indexes } of schema) {
      const made = await client.execute(
        `SELECT name, lower(type) type, "notnull", pk FROM pragma_table_info('${name}')`,
      )
      const declared = columns.map((column) => ({
        name: column.name,
        type: column.getSQLType(),
        notnull: Number(column.notNull),
        pk: Number(column.primary),
      }))
      assert.deepEqual(plain(made.rows), declared, name)
      const found = await client.execute(
        `SELECT name, "unique", partial FROM pragma_index_list('${name}') WHERE origin = 'c' ORDER BY name`,
      )
      const wanted = indexes.map(({ config }) => ({
        name: config.name,
        unique: Number(config.unique),
        partial: Number(config.where !== undefined),
      })).sort((a, b) => a.name < b.name ? -1 : 1)
      assert.deepEqual(plain(found.rows), wanted, name)
      for (const { config } of indexes) {
        const info = await client.execute(`SELECT name FROM pragma_index_info('${config.name}')`)
        assert.deepEqual(
          info.rows.map((row) => row['name']),
          config.columns.map((column) => 'name' in column ? column.name : undefined),
        )
      }
    }
    const { rows } = await client.execute("SELECT sql FROM sqlite_master WHERE name = 'ws_messages'")
    assert.match(String(rows[0]?.['sql']), /AUTOINCREMENT/)
  }))

test('L2 the file is in WAL mode', () =>
  withFile(async ({ url, client }) => {
    const store = await libsqlStore({ url })
    const { rows } = await client.execute('PRAGMA journal_mode')
    assert.equal(rows[0]?.['journal_mode'], 'wal')
    await store.close()
  }))

test('L2 a database of a later version is refused, saying so', () =>
  withFile(async ({ url, client }) => {
    await (await libsqlStore({ url, worker: false })).close()
    await client.execute("UPDATE ws_meta SET value = '99' WHERE key = 'schema'")
    for (const worker of [false, true]) {
      await assert.rejects(
        libsqlStore({ url, worker }),
        /schema version 99; this version of rotunda knows versions up to 1/,
      )
    }
  }))

test('L2 a database that keeps text in UTF-16 is refused, saying what to do', () =>
  withFile(async ({ url, client }) => {
    await client.execute("PRAGMA encoding='UTF-16le'")
    await client.execute('CREATE TABLE own (id INTEGER)')
    for (const worker of [false, true]) {
      await assert.rejects(libsqlStore({ url, worker }), { code: 'invalid_config', message: /PRAGMA encoding='UTF-8'/ })
    }
  }))

test('L2 many stores opening one new file at once agree on the epoch', () =>
  withFile(async ({ url }) => {
    const stores = await Promise.all(Array.from({ length: 6 }, (_, i) => libsqlStore({ url, worker: i % 2 === 0 })))
    assert.equal(new Set(stores.map(({ epoch }) => epoch)).size, 1)
    for (const store of stores) await store.append([message('a')])
    assert.equal((await stores[0]!.extent('a')).head, 6)
    for (const store of stores) await store.close()
  }))

test('L2 a migration overtaken by another, at whichever step, takes the epoch of the other', () =>
  withFile(async ({ url, client: other }) => {
    for (let step = 0; step < 2; step++) {
      await other.batch(['ws_meta', 'ws_messages', 'ws_trims'].map((name) => `DROP TABLE IF EXISTS ${name}`), 'write')
      const slow = createClient({ url, timeout: 5000 })
      let batches = 0
      let epoch = ''
      const overtaken = new Proxy(slow, {
        get(target, name) {
          if (name === 'execute') return (sql: string) => target.execute(sql)
          return async (statements: string[], mode: 'write') => {
            if (batches++ === step) epoch = await migrate(other, 'test')
            return await target.batch(statements, mode)
          }
        },
      })
      assert.equal(await migrate(overtaken, 'test'), epoch)
      assert.ok(batches > step)
      assert.equal(await migrate(other, 'test'), epoch)
      slow.close()
    }
  }))

test('L2 a file locked by another process while it is opened is waited for, and not longer than busyTimeout', () =>
  withFile(async ({ url, client }) => {
    const lock = await client.transaction('write')
    await assert.rejects(libsqlStore({ url, worker: false, busyTimeout: 20 }), /locked/)
    const opening = libsqlStore({ url, worker: false })
    await new Promise((resolve) => setImmediate(resolve))
    await lock.rollback()
    await (await opening).close()
  }))

test('L2 synchronous is taken as asked', () =>
  withFile(async ({ url }) => {
    for (const synchronous of ['full', 'normal'] as const) {
      const store = await libsqlStore({ url, synchronous })
      assert.equal((await store.append([message(synchronous)]))[0]?.seq, 1)
      await store.close()
    }
  }))

test('L2 the sqlite3 shell shows the messages', () =>
  withFile(async ({ url, path }) => {
    const store = await libsqlStore({ url })
    await store.append([
      message('africa', { payload: '{"text":"Hello!"}' }),
      message('asia', { payload: '1' }),
      message('asia', { payload: new TextEncoder().encode(`bytes ${'x'.repeat(100)}`) }),
    ])
    const query = 'SELECT id, room, type, substr(payload_json,1,80) FROM ws_messages LIMIT 5'
    const { stdout } = await promisify(execFile)('sqlite3', [path, query])
    const bytes = `bytes ${'x'.repeat(74)}`
    assert.equal(
      stdout,
      `1|africa|chat.message|{"text":"Hello!"}\n2|asia|chat.message|1\n3|asia|chat.message|${bytes}\n`,
    )
    await store.close()
  }))
