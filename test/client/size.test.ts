import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { BUN } from '../support/spawn_server.ts'
import { tempDir } from '../support/temp_dir.ts'

test('C6 createClient without validators is at most 6 KiB, minified and gzipped', async () => {
  const dir = await tempDir()
  try {
    const [entry, bundle] = [join(dir.path, 'entry.ts'), join(dir.path, 'client.js')]
    const client = fileURLToPath(import.meta.resolve('../../src/client/mod.ts'))
    await writeFile(entry, `export { createClient } from ${JSON.stringify(client)}\n`)
    await promisify(execFile)(BUN, ['build', '--minify', '--target', 'browser', entry, '--outfile', bundle])
    const bytes = gzipSync(await readFile(bundle), { level: 9 }).length
    console.log(`createClient: ${bytes} bytes gzipped`)
    assert.ok(bytes <= 6 * 1024, `${bytes} bytes`)
  } finally {
    await dir.remove()
  }
})
