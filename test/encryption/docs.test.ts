import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { BUN, denoBinary } from '../support/spawn_server.ts'
import { tempDir } from '../support/temp_dir.ts'

const ROOT = fileURLToPath(import.meta.resolve('../../'))
const LIMIT = { timeout: 60_000 }
const RUNTIMES = { bun: () => [BUN, 'run'], deno: () => [denoBinary(), 'run', '-A', '--no-check'] } as const

const pageOf = (path: string) => readFileSync(join(ROOT, path), 'utf8')
const PAGE = pageOf('docs/encryption.md')

/** The code blocks of a page that say which file they are: ```ts name.ts */
function programs(page: string): [name: string, text: string][] {
  return [...page.matchAll(/^```ts (\S+)\n(.*?)^```$/gms)].map((match) => [match[1]!, match[2]!])
}

const VAULT = `export const fetchWrappedKey = (kid: string) => Promise.resolve(kid)
export const unwrap = (kid: string) => kid === 'k7' ? '${'A'.repeat(43)}=' : undefined
`

/** Encrypts and decrypts with the keys of a snippet. */
const useOf = (snippet: string) =>
  `import { encryption } from 'rotunda/client/encryption'
import { keys } from './${snippet}'
const cipher = encryption(keys)
const about = { room: 'secret-1', type: 'chat.message', key: 'a' }
const sealed = await cipher.seal('legible', about)
console.log(sealed.kid, await cipher.open(sealed, about))
`

describe('docs/encryption.md', () => {
  let dir: Awaited<ReturnType<typeof tempDir>>
  const running = new Set<ChildProcess>()

  before(async () => {
    dir = await tempDir()
    const files = [...programs(pageOf('README.md')).filter(([name]) => name === 'protocol.ts'), ...programs(PAGE)]
    for (const [name, text] of [...files, ['vault.ts', VAULT]]) writeFileSync(join(dir.path, name!), text!)
    mkdirSync(join(dir.path, 'node_modules'))
    symlinkSync(ROOT, join(dir.path, 'node_modules/rotunda'))
    symlinkSync(join(ROOT, 'node_modules/zod'), join(dir.path, 'node_modules/zod'))
    const { exports } = JSON.parse(pageOf('deno.json')) as { exports: Record<string, string> }
    const imports = Object.entries(exports).map((
      [name, file],
    ) => [name.replace('.', 'rotunda'), `file://${join(ROOT, file)}`])
    imports.push(['zod', `file://${join(ROOT, 'node_modules/zod/index.js')}`])
    const config = { imports: Object.fromEntries(imports), nodeModulesDir: 'manual' }
    writeFileSync(join(dir.path, 'deno.json'), JSON.stringify(config))
  })

  after(async () => {
    for (const child of running) child.kill('SIGKILL')
    await dir.remove()
  })

  /** Starts a program; gives its lines as soon as there are so many. */
  function lines(command: readonly string[], file: string, count: number, env = {}): Promise<string[]> {
    const child = spawn(command[0]!, [...command.slice(1), file], {
      cwd: dir.path,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    running.add(child)
    let errors = ''
    child.stderr.on('data', (chunk) => errors += chunk)
    return new Promise((resolve, reject) => {
      const all: string[] = []
      createInterface({ input: child.stdout }).on('line', (line) => {
        if (all.push(line) === count) resolve(all)
      })
      child.once('close', () => {
        running.delete(child)
        reject(new Error(`${file} ended after ${all.join('\n')}\n${errors}`))
      })
    })
  }

  for (const [runtime, command] of Object.entries(RUNTIMES)) {
    test(`server.ts and client.ts run as printed, the client on ${runtime}`, LIMIT, async () => {
      const [listening] = await lines(RUNTIMES.bun(), 'server.ts', 1, { PORT: '0' })
      const port = /listening on http:\/\/[^:]+:(\d+)\//.exec(listening!)?.[1]
      const printed = await lines(command(), 'client.ts', 6, { URL: `ws://localhost:${port}/ws` })
      assert.deepEqual(printed.sort(), [
        'history 1 Hello!',
        'history 2 Only for who has k2',
        'late 1 Hello!',
        'late 2 unknown_encryption_key',
        'live 1 Hello!',
        'live 2 Only for who has k2',
      ])
    })

    for (const snippet of ['lookup.ts', 'passphrase.ts']) {
      test(`${snippet} makes keys on ${runtime}`, LIMIT, async () => {
        writeFileSync(join(dir.path, `use_${snippet}`), useOf(snippet))
        assert.deepEqual(await lines(command(), `use_${snippet}`, 1), ['k7 legible'])
      })
    }
  }

  test('has no other code, and its links lead somewhere', () => {
    const blocks = [...PAGE.matchAll(/^```(.+)$/gm)].map(([, head]) => head)
    assert.deepEqual(blocks, ['ts server.ts', 'ts client.ts', 'ts lookup.ts', 'ts passphrase.ts', 'json'])
    const slug = (heading: string) => heading.toLowerCase().replace(/[^\w -]/g, '').replace(/ /g, '-')
    for (const path of ['docs/encryption.md', 'docs/security.md']) {
      for (const [, link, anchor = ''] of pageOf(path).matchAll(/\]\(([^)#:]*)(?:#([^)]*))?\)/g)) {
        const target = pageOf(link === '' ? path : `docs/${link}`)
        const anchors = [...target.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => slug(heading!))
        assert.ok(anchor === '' || anchors.includes(anchor), `${path}: ${link}#${anchor}`)
      }
    }
  })
})
