import assert from 'node:assert/strict'
import { join } from 'node:path'
import test from 'node:test'
import { type Client, createClient, type InStatement } from '@libsql/client/sqlite3'
import { append } from '../../adapters/libsql/append.ts'
import { prepareBatch } from '../../adapters/libsql/batch.ts'
import { migrate } from '../../adapters/libsql/migrations.ts'
import { prepareReads } from '../../adapters/libsql/read.ts'
import { listRooms, seqBefore } from '../../adapters/libsql/rooms.ts'
import { trim } from '../../adapters/libsql/trim.ts'
import { message } from '../conformance/store_messages.ts'
import { tempDir } from '../support/temp_dir.ts'

async function plan(client: Client, sql: string): Promise<string[]> {
  const args = (sql.match(/\?\d*/g) ?? []).map(() => 1)
  const { rows } = await client.execute({ sql: `EXPLAIN QUERY PLAN ${sql}`, args })
  return rows.map((row) => String(row['detail']))
}

// The client under test, with every statement it is given put down.
function recording(client: Client, statements: string[]): Client {
  const note = (statement: InStatement | [string, unknown?]) =>
    statements.push(typeof statement === 'string' ? statement : Array.isArray(statement) ? statement[0] : statement.sql)
  return new Proxy(client, {
    get(target, name) {
      if (name === 'execute') return (statement: InStatement) => (note(statement), target.execute(statement))
      if (name === 'batch') {
        return (all: InStatement[], mode: 'write') => (all.forEach(note), target.batch(all, mode))
      }
      return Reflect.get(target, name)
    },
  })
}

test('L1 no read, append or trim costs more in a longer log: none scans the messages or sorts them', async () => {
  const dir = await tempDir()
  const client = createClient({ url: `file:${join(dir.path, 'rotunda.db')}`, concurrency: 1 })
  try {
    await migrate(client, 'test')
    const statements: string[] = []
    const watched = recording(client, statements)
    for (const payload of ['1', Uint8Array.of(1)]) {
      await append(watched, prepareBatch([message('a', { key: 'k', payload }), message('a'), message('b')]).batch)
    }
    await trim(watched, [['a', 1], ['b', 1]])
    const writes = statements.length
    const reads = prepareReads(watched)
    for (const bytes of [false, true]) {
      await reads.page({ of: 'newest', room: 'a', before: null, limit: 1, bytes })
      await reads.page({ of: 'newest', room: 'a', before: 2, limit: 1, bytes })
      await reads.page({ of: 'room', room: 'a', after: 0, limit: 1, bytes })
      await reads.page({ of: 'all', after: 0, limit: 1, bytes })
    }
    await reads.extent('a')
    await seqBefore(watched, 'a', 1, 1)
    await listRooms(watched, { prefix: 'a', after: '', limit: 5 })
    assert.equal(statements.length, writes + 11)
    const plans = await Promise.all(statements.slice(writes).map((sql) => plan(client, sql)))
    for (const [newest, newestBefore, ofRoom, ofAll] of [plans.slice(0, 4), plans.slice(4, 8)]) {
      assert.ok(newest?.includes('SEARCH ws_messages USING INDEX ws_messages_room_seq (room=?)'))
      // Straight to the place: not down from the newest, nor up from the oldest.
      assert.ok(newestBefore?.includes('SEARCH ws_messages USING INDEX ws_messages_room_seq (room=? AND seq<?)'))
      assert.ok(ofRoom?.includes('SEARCH ws_messages USING INDEX ws_messages_room_seq (room=? AND seq>?)'))
      assert.ok(ofAll?.includes('SEARCH ws_messages USING INTEGER PRIMARY KEY (rowid>?)'))
    }
    const [, oldest, rooms] = plans.slice(8)
    assert.ok(oldest?.includes('SEARCH ws_messages USING INDEX ws_messages_room_seq (room=? AND seq>? AND seq<?)'))
    const steps = rooms?.filter((step) =>
      step.includes('ws_messages USING COVERING INDEX ws_messages_room_seq (room>? AND')
    )
    assert.equal(steps?.length, 2, `${rooms?.join('; ')}`)
    for (const [i, sql] of statements.entries()) {
      const steps = await plan(client, sql)
      for (const step of steps) {
        assert.doesNotMatch(step, /SCAN (ws_|x\b|t\b)/, `${step} in ${sql}`)
        // Sorting the rows of one batch is what numbers them.
        if (i >= writes) assert.doesNotMatch(step, /TEMP B-TREE/, `${step} in ${sql}`)
      }
      assert.ok(steps.some((step) => /SEARCH/.test(step)), `no SEARCH in the plan of ${sql}: ${steps.join('; ')}`)
    }
  } finally {
    client.close()
    await dir.remove()
  }
})
