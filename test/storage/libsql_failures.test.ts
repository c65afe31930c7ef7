import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import test from 'node:test'
import { createClient } from '@libsql/client/sqlite3'
import { type LibsqlOptions, libsqlStore } from '../../adapters/libsql/mod.ts'
import { Lane } from '../../adapters/libsql/lane.ts'
import { libsqlSettings } from '../../adapters/libsql/options.ts'
import { openWorkerConnection } from '../../adapters/libsql/worker_connection.ts'
import type { RotundaError } from '../../src/protocol/mod.ts'
import { message, numbered, readAll } from '../conformance/store_messages.ts'
import { startChild } from '../support/child.ts'
import { startSqld } from '../support/sqld.ts'
import { tempDir } from '../support/temp_dir.ts'

const refused = (code: string, pattern: RegExp) => (error: RotundaError) => {
  assert.equal(error.code, code)
  assert.match(error.message, pattern)
  return true
}

const BAD: [LibsqlOptions, RegExp][] = [
  [{ url: 'mysql://host/db' }, /url is "mysql:\/\/host\/db"; it must be a file:<path>, libsql:/],
  [{ url: '' }, /url is ""; it must be/],
  [{ url: undefined as unknown as string }, /url is undefined; it must be/],
  [{ url: 'data/rotunda.db' }, /url is "data\/rotunda.db"; it must be/],
  [{ url: 'file:' }, /url is "file:"; it must be file:relative\/path/],
  [{ url: 'file://data/rotunda.db' }, /url is "file:\/\/data\/rotunda.db"; it must be/],
  [{ url: 'file::memory:' }, /use memoryStore\(\)/],
  [{ url: 'http://' }, /url is "http:\/\/"; it must be a complete/],
  [{ url: 'mysql://user:secret@host/db?authToken=secret' }, /url is "mysql:\/\/host\/db"/],
  [{ url: 'file:x.db', authToken: 'secret' }, /authToken is "\(hidden\)"; it must be left out for a file/],
  [
    { url: 'file:x.db', busyTimeout: -1 },
    /busyTimeout is -1; it must be a whole number of milliseconds from 0 to 600000/,
  ],
  [{ url: 'file:x.db', busyTimeout: Number.NaN }, /busyTimeout is NaN/],
  [{ url: 'http://x', requestTimeout: 0 }, /requestTimeout is 0; it must be/],
  [{ url: 'file:x.db', synchronous: 'off' as 'full' }, /synchronous is "off"; it must be "full" or "normal"/],
  [{ url: 'file:x.db', worker: 'yes' as unknown as boolean }, /worker is "yes"; it must be true or false/],
  [{ url: 'http://x', worker: true }, /worker is true; it must be true only with a file/],
]

test('X6 a wrong option is refused with its name, its value and what is allowed', async () => {
  for (const [options, pattern] of BAD) await assert.rejects(libsqlStore(options), refused('invalid_config', pattern))
})

test('X6 a file that cannot be opened is refused with its path and the reason', async () => {
  const dir = await tempDir()
  try {
    await writeFile(join(dir.path, 'file'), 'text')
    for (const worker of [false, true]) {
      const url = `file:${join(dir.path, 'file', 'rotunda.db')}`
      await assert.rejects(
        libsqlStore({ url, worker }),
        refused('invalid_config', /url is "file:.*rotunda.db", which cannot/),
      )
      const folder = `file:${dir.path}`
      await assert.rejects(libsqlStore({ url: folder, worker }), refused('invalid_config', /cannot be opened/))
      const notOne = `file:${join(dir.path, 'no.db')}`
      await writeFile(join(dir.path, 'no.db'), 'not a database'.repeat(1000))
      await assert.rejects(libsqlStore({ url: notOne, worker }), /not a database/)
    }
  } finally {
    await dir.remove()
  }
})

test('L1 a batch that fails is not stored, and the store goes on', async () => {
  const dir = await tempDir()
  const url = `file:${join(dir.path, 'rotunda.db')}`
  try {
    for (const worker of [false, true]) {
      const store = await libsqlStore({ url, worker })
      const before = await readAll(store)
      const client = createClient({ url })
      await client.execute(
        `CREATE TRIGGER IF NOT EXISTS poison AFTER INSERT ON ws_messages WHEN new.type = 'poison'
        BEGIN SELECT RAISE(ABORT, 'poisoned'); END`,
      )
      client.close()
      const batch = [...numbered('a', 1, 3), message('a', { type: 'poison' })]
      await assert.rejects(store.append(batch), refused('store_unavailable', /Appending to .* failed: .*poisoned/))
      await assert.rejects(store.append([message('a', { key: '\ud800' })]), refused('invalid_payload', /key/))
      await assert.rejects(store.append([message('a\0b')]), refused('invalid_payload', /room/))
      assert.deepEqual(await readAll(store), before)
      const [next] = await store.append([message('a')])
      assert.equal(next?.seq, before.length + 1)
      await store.close()
    }
  } finally {
    await dir.remove()
  }
})

test('L1 a worker that dies rejects what it was doing, and the next call starts another', async () => {
  const settings = libsqlSettings({ url: 'file:unused.db' })
  let started = 0
  const lane = new Lane(() =>
    openWorkerConnection(settings, 'writer', () => {
      started++
      return new Worker(new URL('../support/dying_worker.ts', import.meta.url), { type: 'module' })
    })
  )
  for (let i = 1; i <= 2; i++) {
    const connection = await lane.connection()
    const calls = [connection.trim([['a', 1]]), connection.extent('a')]
    for (const call of calls) await assert.rejects(call, refused('store_unavailable', /The storage worker failed/))
    await assert.rejects(connection.extent('a'), refused('store_unavailable', /The storage worker failed/))
    assert.equal(started, i)
  }
  await lane.close()
})

test('L1 a worker that cannot be started rejects instead of hanging', async () => {
  const settings = libsqlSettings({ url: 'file:unused.db' })
  const missing = () => new Worker(new URL('../support/no_such_worker.ts', import.meta.url), { type: 'module' })
  await assert.rejects(
    openWorkerConnection(settings, 'writer', missing),
    refused('store_unavailable', /storage worker/),
  )
})

test('L4 a store left open does not keep Bun running, and an append under way does', async () => {
  if ('Deno' in globalThis) return
  const dir = await tempDir()
  try {
    const child = startChild('./leave_open.ts', `file:${join(dir.path, 'rotunda.db')}`)
    const lines: string[] = []
    for await (const line of child.lines) lines.push(line)
    assert.deepEqual(await child.ended, { code: 0, signal: null, stderr: '' })
    assert.deepEqual(lines, ['appended 1'])
  } finally {
    await dir.remove()
  }
})

test('L1 a remote database that does not answer rejects', async () => {
  await assert.rejects(
    libsqlStore({ url: 'http://127.0.0.1:1' }),
    refused('store_unavailable', /url is "http:.*cannot be used/),
  )
  const sockets: Socket[] = []
  const silent = createServer((socket) => void sockets.push(socket))
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  const address = silent.address()
  const port = address !== null && typeof address === 'object' ? address.port : 0
  for (const scheme of ['http', 'ws']) {
    const opening = libsqlStore({ url: `${scheme}://127.0.0.1:${port}`, requestTimeout: 50 })
    await assert.rejects(opening, refused('store_unavailable', /no answer within 50 ms \(requestTimeout\)/))
  }
  for (const socket of sockets) socket.destroy()
  await new Promise((resolve) => silent.close(resolve))
})

test('L1 a remote database that went away rejects', async () => {
  const sqld = await startSqld()
  const store = await libsqlStore({ url: `http://${sqld.host}` })
  await store.append([message('a')])
  await sqld.stop()
  await assert.rejects(store.append([message('a')]), refused('store_unavailable', /Appending to "http:/))
  await assert.rejects(store.extent('a'), refused('store_unavailable', /Reading "http:/))
  await store.close()
})
