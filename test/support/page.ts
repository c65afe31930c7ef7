import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { BUN, denoBinary } from './spawn_server.ts'
import { userProject } from './user_project.ts'

const ROOT = fileURLToPath(import.meta.resolve('../../'))
const SLOW = { timeout: 60_000 }

/** A program of a page, and what the page says that it prints. */
interface Printed {
  readonly file: string
  readonly output: readonly string[]
}

/**
 * Tests a page of the documentation as a reader would: every block that names its file (`ts name.ts`) is a file of one
 * project, all of them type-check, and every `console` block that begins with `$ bun name.ts` is run, on the runtime that
 * runs the tests, and must print the lines that follow; `…` in them stands for anything. Programs must end by themselves.
 * Relative links must lead somewhere.
 *
 * @param page Its path from the root of the repository.
 * @param dependencies npm packages that its programs import.
 */
export function testPage(page: string, dependencies: readonly string[] = ['zod', 'hono']): void {
  const text = readFileSync(join(ROOT, page), 'utf8')
  const files = new Map([...text.matchAll(/^```ts (\S+)\n(.*?)^```$/gms)].map((match) => [match[1]!, match[2]!]))
  const runs = [...text.matchAll(/^```console\n\$ bun (\S+)\n(.*?)^```$/gms)].map((match): Printed => {
    return { file: match[1]!, output: match[2]!.trimEnd().split('\n') }
  })

  describe(page, () => {
    let user: Awaited<ReturnType<typeof userProject>>
    before(async () => user = await userProject(files, dependencies))
    after(() => user.remove())

    for (const { file, output } of runs) {
      test(`${file} prints what the page says`, SLOW, async () => {
        assert.ok(files.has(file), `the page has no ${file}`)
        const isDeno = 'Deno' in globalThis
        const command = isDeno ? [denoBinary(), 'run', '-A', '--no-check', file] : [BUN, file]
        const printed = await run(user.path, command)
        const lines = printed.trimEnd().split('\n')
        const fits = lines.length === output.length && output.every((line, i) => pattern(line).test(lines[i]!))
        assert.ok(fits, `${file} printed:\n${printed}\nthe page says:\n${output.join('\n')}`)
      })
    }

    if (files.size > 0) {
      test('its programs type-check', SLOW, async () => {
        assert.equal(await run(user.path, [join(ROOT, 'node_modules/.bin/tsc'), '-p', '.']), '')
      })
    }

    test('its links lead somewhere', () => {
      for (const [, link] of text.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)) {
        assert.ok(existsSync(join(ROOT, dirname(page), link!)), `${link} does not exist`)
      }
    })
  })
}

function pattern(line: string): RegExp {
  const parts = line.split('…').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`)
}

/** What a program writes to stdout. @throws with all it wrote when it fails. */
function run(cwd: string, [command, ...parameters]: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(command!, parameters, { cwd, timeout: 50_000 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout)
      else reject(new Error(`${command} ${parameters.join(' ')} failed: ${error.message}\n${stdout}\n${stderr}`))
    })
  })
}
