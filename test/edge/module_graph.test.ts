import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { denoBinary } from '../support/spawn_server.ts'
import { REPOSITORY } from '../support/source.ts'
import { tempDir } from '../support/temp_dir.ts'

interface Graph {
  readonly modules: { readonly specifier: string; readonly dependencies?: { readonly specifier: string }[] }[]
}

/** What an entry may import, now or later, from packages and from the repository. */
async function graphOf(entry: string): Promise<{ own: string[]; foreign: string[] }> {
  const { stdout } = await promisify(execFile)(denoBinary(), ['info', '--json', entry], { cwd: REPOSITORY })
  const { modules } = JSON.parse(stdout) as Graph
  const own = modules.map(({ specifier }) => specifier).filter((specifier) => specifier.startsWith('file:'))
    .map((specifier) => fileURLToPath(specifier).slice(REPOSITORY.length))
    .filter((path) => !path.startsWith('node_modules/'))
  const imported = modules.flatMap(({ dependencies }) => dependencies ?? []).map(({ specifier }) => specifier)
  return { own, foreign: [...new Set(imported.filter((specifier) => !specifier.startsWith('.')))].sort() }
}

test('H4 rotunda/libsql/web imports no native code, no file system and no worker, not even later', async () => {
  const web = await graphOf('adapters/libsql/web.ts')
  assert.deepEqual(web.foreign, [
    '@libsql/client/web',
    'drizzle-orm',
    'drizzle-orm/libsql/web',
    'drizzle-orm/sqlite-core',
  ])
  assert.deepEqual(web.own.filter((path) => /worker|file/.test(path)), [])
  assert.deepEqual(web.own.filter((path) => !/^(?:adapters\/libsql|src\/(?:protocol|storage))\//.test(path)), [])

  // The same look at the entry that does all of this must see it.
  const full = await graphOf('adapters/libsql/mod.ts')
  assert.ok(full.foreign.includes('@libsql/client/sqlite3'))
  assert.ok(full.foreign.includes('node:fs/promises'))
  assert.ok(full.own.includes('adapters/libsql/worker_connection.ts'))
})

test('H4 a bundle of rotunda/libsql/web has no native code and no file system in it', async () => {
  const dir = await tempDir()
  try {
    const bundler = fileURLToPath(import.meta.resolve('../../node_modules/.bin/bun'))
    const build = ['build', '--target', 'browser', 'adapters/libsql/web.ts', '--outdir', dir.path]
    await promisify(execFile)(bundler, build, { cwd: REPOSITORY })
    const text = await readFile(`${dir.path}/web.js`, 'utf8')
    assert.deepEqual(
      text.match(/@neon-rs|\.node["']|journal_mode|new Worker|(?:from |require\()["'](?:node:|fs)/g),
      null,
    )
  } finally {
    await dir.remove()
  }
})
