import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { createClient } from '@libsql/client/sqlite3'
import { libsqlStore } from '../../adapters/libsql/mod.ts'
import { DEFAULT_LIMITS, SETTINGS } from '../../src/mod.ts'
import { message } from '../conformance/store_messages.ts'
import { readSource, REPOSITORY } from '../support/source.ts'
import { BUN } from '../support/spawn_server.ts'
import { tempDir } from '../support/temp_dir.ts'
import { WireClient } from '../support/wire_client.ts'

const page = readSource('docs/deploy.md').text
const manifest = JSON.parse(readSource('package.json').text) as {
  version: string
  devDependencies: Record<string, string>
}
const variables: Set<string> = new Set(SETTINGS.map(({ variable }) => variable))
const blocks = [...page.matchAll(/^```\w+ (\S+)\n(.*?)^```$/gms)].map(([, name = '', text = '']) => ({ name, text }))

/** `NAME=value` pairs of a text. */
function assignments(text: string): Map<string, string> {
  return new Map([...text.matchAll(/\b([A-Z][A-Z_]+)=(\S+)/g)].map(([, name = '', value = '']) => [name, value]))
}

describe('docs/deploy.md', () => {
  test('prints the files of examples as they are', () => {
    const files = blocks.filter(({ name }) => name.startsWith('examples/'))
    assert.equal(files.length, 6)
    for (const { name, text } of files) assert.equal(text, readSource(name).text, name)
  })

  test('names versions, links and headings that exist', () => {
    const imports = blocks.find(({ name }) => name === 'deno.json')?.text ?? ''
    const { zod } = manifest.devDependencies
    assert.deepEqual(JSON.parse(imports), {
      imports: { rotunda: `npm:rotunda@${manifest.version}`, zod: `npm:zod@${zod}` },
    })
    const headings = [...page.matchAll(/^## (.*)$/gm)].map(([, text = '']) => text.toLowerCase().replaceAll(' ', '-'))
    for (const [, link = ''] of page.matchAll(/\]\(([^)]+)\)/g)) {
      if (link.startsWith('#')) assert.ok(headings.includes(link.slice(1)), link)
      else assert.ok(existsSync(`${REPOSITORY}docs/${link}`), link)
    }
  })

  test('sets variables that are settings, and grants more time than stopping takes', () => {
    const { text: unit } = readSource('examples/bun/rotunda.service')
    const { text: docker } = readSource('examples/bun/Dockerfile')
    for (const text of [unit, docker]) {
      const set = assignments(text)
      for (const name of set.keys()) assert.ok(variables.has(name), name)
      assert.equal(set.get('WEBSOCKET_DRAIN'), '5')
    }
    // Drain, closing handshakes, handlers.
    const needed = 5 + 2 + 5
    assert.ok(Number(/TimeoutStopSec=(\d+)/.exec(unit)?.[1]) > needed)
    assert.ok(Number(/--stop-timeout (\d+)/.exec(page)?.[1]) > needed)
    assert.ok(Number(/LimitNOFILE=(\d+)/.exec(unit)?.[1]) > DEFAULT_LIMITS.maxConnections * 2)
    const { text: nginx } = readSource('examples/bun/nginx.conf')
    const timeouts = [...nginx.matchAll(/proxy_(?:read|send)_timeout (\d+)s/g)].map(([, seconds]) => Number(seconds))
    const quiet = SETTINGS.find(({ path }) => path === 'websocket.pingInterval')?.standard
    assert.equal(timeouts.length, 2)
    for (const timeout of timeouts) assert.ok(timeout > Number(quiet) * 2)
  })

  test('has a Dockerfile whose commands exist, with the Bun that the tests use', async () => {
    const { text } = readSource('examples/bun/Dockerfile')
    assert.match(text, new RegExp(`^FROM oven/bun:${manifest.devDependencies['bun']}\\n`))
    const command = JSON.parse(/^CMD (.*)$/m.exec(text)?.[1] ?? '') as string[]
    assert.deepEqual(command, ['bun', 'server.ts'])
    assert.match(text, /^COPY server\.ts /m)
    assert.match(readSource('examples/bun/rotunda.service').text, /^ExecStart=\/usr\/local\/bin\/bun server\.ts$/m)
    assert.equal(/^EXPOSE (\d+)$/m.exec(text)?.[1], assignments(text).get('SERVER_PORT'))
    const install = /^RUN bun (install .*)$/m.exec(text)?.[1]?.split(' ') ?? []
    assert.deepEqual(install, ['install', '--frozen-lockfile', '--production'])
    await promisify(execFile)(BUN, [...install, '--dry-run'], { cwd: REPOSITORY })
  })

  test('has a server for Bun that runs from its environment, keeps its log and ends with 0', async () => {
    const dir = await tempDir()
    const script = fileURLToPath(import.meta.resolve('../../examples/bun/server.ts'))
    const database = `file:${join(dir.path, 'rotunda.db')}`
    try {
      for (const seq of [1, 2]) {
        const child = spawn(BUN, [script], {
          cwd: dir.path,
          env: { ...process.env, SERVER_HOST: '127.0.0.1', SERVER_PORT: '0', DATABASE_URL: database },
          stdio: ['ignore', 'pipe', 'inherit'],
        })
        process.once('exit', () => void child.kill('SIGKILL'))
        const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
        const port = await new Promise<number>((resolve, reject) => {
          child.stdout.on('data', (chunk) => resolve(Number(/listens at http:.*:(\d+)/.exec(String(chunk))?.[1])))
          void ended.then((code) => reject(new Error(`It ended with ${code}.`)))
        })
        const client = await WireClient.open(port)
        client.send({ type: 'chat.message', room: 'africa', ref: 'a', payload: { user: 'Ana', text: 'Hello!' } })
        assert.equal(((await client.next({ type: 'ack' })).payload as { seq: number }).seq, seq)
        // By its id: under Deno `child.kill` hides the exit code.
        process.kill(child.pid ?? 0, 'SIGTERM')
        assert.equal((await client.closed).code, 1001)
        assert.equal(await ended, 0)
      }
    } finally {
      await dir.remove()
    }
  })

  test('knows how a restored log gets a new epoch', async () => {
    const statement = /`(UPDATE ws_meta SET [^`]+)`/.exec(page)?.[1] ?? ''
    const dir = await tempDir()
    const url = `file:${join(dir.path, 'rotunda.db')}`
    try {
      const before = await libsqlStore({ url, worker: false })
      await before.append([message('a')])
      await before.close()
      const client = createClient({ url })
      await client.execute(statement)
      client.close()
      const after = await libsqlStore({ url, worker: false })
      assert.notEqual(after.epoch, before.epoch)
      assert.match(after.epoch, /^[0-9a-f]{32}$/)
      assert.equal((await after.extent('a')).head, 1)
      await after.close()
    } finally {
      await dir.remove()
    }
  })
})
