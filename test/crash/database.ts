import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createClient } from '@libsql/client'
import { tempDir } from '../support/temp_dir.ts'
import { contentOf, type Row } from './records.ts'

/** What a database holds, read by SQL and by nothing of ours. */
export interface Content {
  readonly rows: Row[]
  readonly epoch: string
}

/** Reads a database at a URL. */
export async function readDatabase(url: string): Promise<Content> {
  const client = createClient({ url })
  try {
    const meta = await client.execute("SELECT value FROM ws_meta WHERE key = 'epoch'")
    const rows: Row[] = []
    // In pieces: a remote database does not send everything at once.
    for (let last = 0;;) {
      const sql =
        `SELECT id, room, seq, producer_key, payload_json FROM ws_messages WHERE id > ? ORDER BY id LIMIT 5000`
      const result = await client.execute({ sql, args: [last] })
      for (const row of result.rows) {
        last = Number(row['id'])
        rows.push({
          id: String(last).padStart(20, '0'),
          room: String(row['room']),
          seq: Number(row['seq']),
          key: row['producer_key'] === null ? null : String(row['producer_key']),
          content: contentOf(JSON.parse(String(row['payload_json']))),
        })
      }
      if (result.rows.length === 0) return { rows, epoch: String(meta.rows[0]?.['value']) }
    }
  } finally {
    client.close()
  }
}

/** Reads a copy of a file that no server has open, so that the next server finds it as the killed one left it. */
export async function readLeftFile(path: string): Promise<Content> {
  const dir = await tempDir()
  try {
    const copy = join(dir.path, 'copy.db')
    await copyFile(path, copy)
    await copyFile(`${path}-wal`, `${copy}-wal`).catch((error) => {
      if (error.code !== 'ENOENT') throw error
    })
    return await readDatabase(`file:${copy}`)
  } finally {
    await dir.remove()
  }
}
