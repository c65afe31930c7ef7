import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { BUN } from './spawn_server.ts'
import { tempDir } from './temp_dir.ts'

const REPOSITORY = fileURLToPath(import.meta.resolve('../../'))

/** What a page may take of the client, by the files that export it. */
export const BUNDLES: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  'createClient': { 'src/client/mod.ts': ['createClient'] },
  'and answer': { 'src/client/mod.ts': ['createClient', 'answer'] },
  'and presence': { 'src/client/mod.ts': ['createClient'], 'src/client/presence/mod.ts': ['presence'] },
  'and transports': {
    'src/client/mod.ts': ['createClient'],
    'src/client/transports/mod.ts': ['fallback', 'webSocket', 'sse', 'longPolling'],
  },
  '… and outbox': {
    'src/client/mod.ts': ['createClient'],
    'src/client/transports/mod.ts': ['fallback', 'webSocket', 'sse', 'longPolling'],
    'src/client/kept_outbox/mod.ts': ['outbox'],
  },
  '… in IndexedDB': {
    'src/client/mod.ts': ['createClient'],
    'src/client/transports/mod.ts': ['fallback', 'webSocket', 'sse', 'longPolling'],
    'src/client/kept_outbox/mod.ts': ['outbox', 'indexedDbOutbox'],
  },
  'and encryption': {
    'src/client/mod.ts': ['createClient'],
    'src/client/encryption/mod.ts': ['encryption', 'roomKeys'],
  },
  'and flatbuffers': { 'src/client/mod.ts': ['createClient'], 'adapters/flatbuffers/mod.ts': ['flatbuffers'] },
}

/** Bytes of such a bundle for browsers, minified and gzipped; undefined where a file of it is not there. */
export async function bundleSize(exports: Readonly<Record<string, readonly string[]>>): Promise<number | undefined> {
  const lines: string[] = []
  for (const [path, names] of Object.entries(exports)) {
    const file = join(REPOSITORY, path)
    if (!existsSync(file)) return undefined
    lines.push(`export { ${names.join(', ')} } from ${JSON.stringify(file)}\n`)
  }
  const dir = await tempDir()
  try {
    const [entry, bundle] = [join(dir.path, 'entry.ts'), join(dir.path, 'client.js')]
    await writeFile(entry, lines.join(''))
    await promisify(execFile)(BUN, ['build', '--minify', '--target', 'browser', entry, '--outfile', bundle])
    return gzipSync(await readFile(bundle), { level: 9 }).length
  } finally {
    await dir.remove()
  }
}
