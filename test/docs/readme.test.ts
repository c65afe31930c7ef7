import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { BUN, denoBinary } from '../support/spawn_server.ts'
import { userProject } from '../support/user_project.ts'

const ROOT = fileURLToPath(import.meta.resolve('../../'))
const SLOW = { timeout: 60_000 }

/** The code blocks of a page that say which file they are: ```ts name.ts */
function programs(page: string): Map<string, string> {
  const text = readFileSync(join(ROOT, page), 'utf8')
  return new Map([...text.matchAll(/^```ts (\S+)\n(.*?)^```$/gms)].map((match) => [match[1]!, match[2]!]))
}

interface Program {
  readonly process: ChildProcess
  readonly lines: string[]
  line(pattern: RegExp): Promise<RegExpExecArray>
  readonly ended: Promise<void>
}

const running = new Set<ChildProcess>()

function run(cwd: string, command: readonly string[], environment: Record<string, string>): Program {
  const child = spawn(command[0]!, command.slice(1), {
    cwd,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.add(child)
  const lines: string[] = []
  let errors = ''
  let look = () => {}
  child.stderr.on('data', (chunk) => errors += chunk)
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line)
    look()
  })
  const ended = new Promise<void>((resolve) =>
    child.once('close', () => {
      running.delete(child)
      resolve()
    })
  )
  const line = (pattern: RegExp) =>
    new Promise<RegExpExecArray>((resolve, reject) => {
      look = () => {
        const match = lines.map((candidate) => pattern.exec(candidate)).find((found) => found !== null)
        if (match !== undefined && match !== null) resolve(match)
      }
      look()
      void ended.then(() => reject(new Error(`ended without ${pattern}: ${lines.join('\n')}\n${errors}`)))
    })
  return { process: child, lines, line, ended }
}

describe('the README', () => {
  let user: Awaited<ReturnType<typeof userProject>>
  before(async () => {
    user = await userProject(programs('README.md'))
  })
  after(async () => {
    for (const child of running) child.kill('SIGKILL')
    await user.remove()
  })

  const uses = [
    ['bun.ts', () => [BUN, 'bun.ts'], '/ws', 'Gaspard'],
    ['deno.ts', () => [denoBinary(), 'run', '-A', '--no-check', 'deno.ts'], '/ws', 'Gaspard'],
    ['hono.ts', () => [BUN, 'hono.ts'], '/realtime/ws?user=Amara', 'Amara'],
  ] as const
  for (const [file, command, path, author] of uses) {
    test(`${file} and client.ts run as printed`, SLOW, async () => {
      const server = run(user.path, command(), { PORT: '0' })
      const [, port] = await server.line(/listening on http:\/\/[^:]+:(\d+)\//)
      const client = run(user.path, [BUN, 'client.ts'], { URL: `ws://localhost:${port}${path}` })
      await client.line(new RegExp(`^\\d+ ${author} Hello!$`))
      if (file === 'hono.ts') {
        assert.equal(await (await fetch(`http://localhost:${port}/`)).text(), 'my own page')
        assert.equal((await fetch(`http://localhost:${port}/realtime/health`)).status, 200)
      } else await client.line(/^stored as number \d+; 1 here$/)
      client.process.kill('SIGKILL')
      await client.ended
      // By its id: under Deno `child.kill` hides the exit code.
      process.kill(server.process.pid!, file === 'hono.ts' ? 'SIGKILL' : 'SIGTERM')
      await server.ended
      if (file === 'bun.ts') assert.equal(server.process.exitCode, 0)
    })
  }

  test('its programs type-check', SLOW, async () => {
    const check = run(user.path, [join(ROOT, 'node_modules/.bin/tsc'), '-p', '.'], {})
    await check.ended
    assert.deepEqual([check.lines, check.process.exitCode], [[], 0])
  })

  test('links and commands it names exist', () => {
    const text = readFileSync(join(ROOT, 'README.md'), 'utf8')
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>
    }
    for (const [, script] of text.matchAll(/bun(?:@[\d.]+)? run (\w+)/g)) {
      assert.ok(script! in scripts, `package.json has no script ${script}`)
    }
    for (const [, link] of text.matchAll(/\]\(([^)#:]+)\)/g)) {
      assert.doesNotThrow(() => readFileSync(join(ROOT, link!)), `${link} does not exist`)
    }
    for (const page of readdirSync(join(ROOT, 'docs'))) {
      if (page.endsWith('.md')) assert.ok(text.includes(`](docs/${page})`), `README.md has no link to docs/${page}`)
    }
  })
})
