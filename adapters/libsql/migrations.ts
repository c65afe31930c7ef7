import type { Client } from '@libsql/client/web'
import { RotundaError } from '../../src/protocol/mod.ts'

/**
 * What brings a database from version n (the index) to n + 1. Published entries are never edited: a database that
 * already took one would then differ from a new one. They live in code because an edge host has no file system.
 */
export const MIGRATIONS: readonly (readonly string[])[] = [
  [
    `CREATE TABLE ws_messages (
      id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
      room TEXT NOT NULL,
      seq INTEGER NOT NULL,
      kind TEXT NOT NULL,
      type TEXT NOT NULL,
      sender TEXT,
      producer_key TEXT,
      ts INTEGER NOT NULL,
      payload_json TEXT NOT NULL
    )`,
    'CREATE UNIQUE INDEX ws_messages_room_seq ON ws_messages (room, seq)',
    'CREATE UNIQUE INDEX ws_messages_room_key ON ws_messages (room, producer_key) WHERE producer_key IS NOT NULL',
    'CREATE TABLE ws_trims (room TEXT PRIMARY KEY NOT NULL, through INTEGER NOT NULL) WITHOUT ROWID',
  ],
]

interface Meta {
  readonly epoch: string
  readonly version: number
}

/**
 * Brings the database to the version this code knows and returns its epoch. Safe when several processes do it at
 * once, and changes nothing where nothing is to be done. Throws `invalid_config` for a database of a later version.
 */
export async function migrate(client: Client, name: string): Promise<string> {
  let meta = await readMeta(client) ?? await createMeta(client)
  while (meta.version < MIGRATIONS.length) {
    const { version } = meta
    try {
      await client.batch([
        // Fails on NOT NULL, and undoes the batch, when another process was here first.
        `UPDATE ws_meta SET value = CASE value WHEN '${version}' THEN '${version + 1}' END WHERE key = 'schema'`,
        ...MIGRATIONS[version] ?? [],
      ], 'write')
    } catch (error) {
      const now = await readMeta(client)
      if (now === undefined || now.version <= version) throw error
    }
    meta = await readMeta(client) ?? meta
  }
  if (meta.version > MIGRATIONS.length) {
    throw new RotundaError(
      'invalid_config',
      `The database ${name} has schema version ${meta.version}; this version of rotunda knows versions up to ` +
        `${MIGRATIONS.length}. Upgrade rotunda, or point url at another database.`,
    )
  }
  return meta.epoch
}

/** Epoch and schema version, undefined where the database has neither. */
export async function readMeta(client: Client): Promise<Meta | undefined> {
  const found = await client.execute(
    "SELECT hex(CAST('a' AS BLOB)) a, (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'ws_meta') meta",
  )
  // Bytes are read through text, and rooms listed in the order of their UTF-8.
  if (found.rows[0]?.['a'] !== '61') {
    throw new RotundaError('invalid_config', "The database keeps text in UTF-16; make it with PRAGMA encoding='UTF-8'.")
  }
  if (found.rows[0]['meta'] === null) return undefined
  const { rows } = await client.execute("SELECT key, value FROM ws_meta WHERE key IN ('epoch', 'schema')")
  const values = new Map(rows.map((row) => [row['key'], row['value']]))
  const epoch = values.get('epoch')
  const version = Number(values.get('schema'))
  if (typeof epoch !== 'string' || !Number.isInteger(version)) {
    throw new RotundaError('invalid_config', 'The table ws_meta of the database is not one that rotunda wrote.')
  }
  return { epoch, version }
}

async function createMeta(client: Client): Promise<Meta> {
  await client.batch([
    'CREATE TABLE IF NOT EXISTS ws_meta (key TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL)',
    {
      sql: "INSERT OR IGNORE INTO ws_meta (key, value) VALUES ('epoch', ?), ('schema', '0')",
      args: [crypto.randomUUID()],
    },
  ], 'write')
  const meta = await readMeta(client)
  if (meta === undefined) throw new RotundaError('store_unavailable', 'The database did not keep the table ws_meta.')
  return meta
}
