import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { pathsBelow, readSource, type SourceFile, typescript } from '../support/source.ts'
import * as rules from './rules.ts'

type Rule = (file: SourceFile) => rules.Breach[]

/** A rule holds for these files, and sees what breaks it and only that: a rule that sees nothing proves nothing. */
function holds(
  rule: Rule,
  files: readonly SourceFile[],
  examples: { breaks: SourceFile[]; keeps: SourceFile[] },
): void {
  for (const file of examples.breaks) assert.notDeepEqual(rule(file), [], `not seen: ${file.text}`)
  for (const file of examples.keeps) assert.deepEqual(rule(file), [], `seen without reason: ${file.text}`)
  assert.ok(files.length > 3, 'the rule looks at no files')
  assert.deepEqual(files.flatMap(rule), [])
}

const inside = (path: string) => (text: string): SourceFile => ({ path, text })
const hub = inside('src/hub/example.ts')
const client = inside('src/client/example.ts')
const adapter = inside('adapters/bun/example.ts')
const core = typescript('src')
const adapters = typescript('adapters')

describe('src', () => {
  test('imports nothing but relative .ts files of src', () => {
    holds(rules.foreignImports, core, {
      breaks: [
        "import { readFile } from 'node:fs'",
        "import { z } from 'zod'",
        "import type { Server } from 'bun'",
        "import './side_effect'",
        "export { a } from '../../adapters/bun/mod.ts'",
        "const fs = await import('node:fs')",
        'import {\n  a,\n  b,\n} from "hono"',
        "new Worker(new URL('../../adapters/libsql/worker.ts', import.meta.url))",
      ].map(hub),
      keeps: ["import { a } from '../protocol/mod.ts'", "// import 'node:fs'", "/* from 'zod' */ const from = 'zod'"]
        .map(hub),
    })
  })

  test('uses no global of a single runtime', () => {
    holds(rules.runtimeGlobals, core, {
      breaks: [
        'Bun.serve({})',
        "if (typeof Deno !== 'undefined') {}",
        'process.env.PORT',
        'return Buffer.from(text)',
        'const x = `${process.pid}`',
        "require('fs')",
        'globalThis.x = [setImmediate]',
      ].map(hub),
      keeps: [
        '// Bun.serve',
        "const text = 'process.env'",
        'session.process()',
        'const MyBuffer = 1',
        'class A { #process() {} }',
      ]
        .map(hub),
    })
  })

  test('points its arrows one way', () => {
    holds(rules.wrongArrows, core, {
      breaks: [
        hub("import { a } from '../http/mod.ts'"),
        hub("import type { A } from '../client/mod.ts'"),
        hub("import { a } from '../mod.ts'"),
        client("import { a } from '../hub/limits.ts'"),
        client("import { a } from '../storage/mod.ts'"),
        inside('src/protocol/example.ts')("import { a } from '../hub/mod.ts'"),
        inside('src/storage/example.ts')("import { a } from '../hub/mod.ts'"),
        inside('src/mod.ts')("export { a } from './client/mod.ts'"),
        inside('src/elsewhere/example.ts')(''),
      ],
      keeps: [
        hub("import { a } from '../storage/store.ts'"),
        client("import { a } from '../protocol/mod.ts'\nimport { b } from './other.ts'"),
        inside('src/http/example.ts')("import { a } from '../hub/mod.ts'"),
      ],
    })
  })
})

describe('adapters', () => {
  test('see the public faces of src, and each other only where one mounts the other', () => {
    holds(rules.pastTheFace, adapters, {
      breaks: [
        "import { a } from '../../src/hub/connection.ts'",
        "import { a } from '../libsql/mod.ts'",
        "import { a } from '../../test/support/x.ts'",
      ].map(adapter),
      keeps: [
        "import { a } from '../../src/mod.ts'",
        "import { a } from '../../src/protocol/mod.ts'",
        "import { a } from './b.ts'",
        "import 'bun'",
      ]
        .map(adapter),
    })
  })
})

describe('every file of src and adapters', () => {
  const both = [...core, ...adapters]

  test('is one concept of at most 300 lines', () => {
    holds((file) => rules.longerThan(300, file), both, {
      breaks: [hub('a\n'.repeat(301))],
      keeps: [hub('a\n'.repeat(300))],
    })
  })

  test('names what it exports', () => {
    holds(rules.starExports, both, {
      breaks: [hub("export * from './a.ts'"), hub("export * as a from './a.ts'")],
      keeps: [hub("export { a } from './a.ts'"), hub('// export *')],
    })
  })

  test('has no any, or says beside it why', () => {
    holds(rules.anyTypes, both, {
      breaks: [
        'export function f(a: any): void {}',
        'const a = b as any',
        'export type A = Map<string, any>',
        'let a: any[]',
      ].map(hub),
      keeps: ["const a = 'any'", '// any', 'Promise.any(all)', 'const anything = 1', 'type AnyHandler = 1'].map(hub),
    })
  })
})

describe('every TypeScript file', () => {
  const all = typescript('src', 'adapters', 'test', 'bench', 'examples')

  test('is checked', () => {
    holds(rules.unchecked, all, { breaks: [hub('// @ts-' + 'ignore')], keeps: [hub('// @ts-expect-error -- why')] })
  })

  test('of tests is run', () => {
    holds(rules.unrunTests, all.filter(({ path }) => path.startsWith('test/')), {
      breaks: [
        "test.skip('a', () => {})",
        "describe.only('a', () => {})",
        "it.todo('a')",
        "test('a', { skip: true }, f)",
        't.skip()',
      ]
        .map(hub),
      keeps: ["test('skip: true', f)", 'buffer.skipped()', '// test.only('].map(hub),
    })
  })
})

test('no file names a registry or a path of the machine it was written on', () => {
  const texts = pathsBelow('').filter((path) => !/\.(?:png|ico|woff2?|db(?:-\w+)?|log)$/.test(path)).map(readSource)
  holds(rules.machineTraces, texts, {
    breaks: [
      '"https://' + 'registry.' + 'npmjs.org/ws"',
      "open('/ro" + "ot/x')",
      '/ho' + 'me/me/x',
      'cd /wo' + 'rk/main',
    ].map(hub),
    keeps: ['/rooms/africa', 'test/wo' + 'rk/x', 'https://example.org/x'].map(hub),
  })
})
