import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { describe, test } from 'node:test'
import { readSource, REPOSITORY } from '../support/source.ts'

interface Manifest {
  readonly version: string
  readonly license: string
  readonly private?: boolean
  readonly exports: Readonly<Record<string, string>>
  readonly scripts: Readonly<Record<string, string>>
  readonly imports?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

const read = (path: string) => JSON.parse(readSource(path).text) as Manifest
const npm = read('package.json')
const deno = read('deno.json')

describe('package.json and deno.json', () => {
  test('export the same, and every export is a file', () => {
    assert.deepEqual(npm.exports, deno.exports)
    for (const [name, file] of Object.entries(npm.exports)) {
      assert.match(name, /^\.(?:\/[a-z0-9-]+)*$/)
      assert.ok(existsSync(REPOSITORY + file), `${name} is ${file}, which does not exist`)
    }
  })

  test('lead imports by name, as users write them, to the same files', () => {
    const imports = Object.entries(npm.exports).map(([name, file]) => [name.replace('.', 'rotunda'), file])
    assert.deepEqual(deno.imports, Object.fromEntries(imports))
  })

  test('cannot be published from here: npm would get sources; scripts/build.ts makes the package', () => {
    assert.equal(npm.private, true)
    const { files } = JSON.parse(readSource('tsconfig.build.json').text) as { files: string[] }
    for (const file of Object.values(npm.exports)) assert.ok(files.includes(file.slice(2)), `${file} is not built`)
  })

  test('export every adapter, and what else is public', () => {
    for (const adapter of readdirSync(`${REPOSITORY}adapters`)) {
      assert.equal(npm.exports[`./${adapter}`], `./adapters/${adapter}/mod.ts`)
    }
    for (const [name, file] of Object.entries({ '.': 'src', './client': 'src/client', './protocol': 'src/protocol' })) {
      assert.equal(npm.exports[name], `./${file}/mod.ts`)
    }
    assert.equal(npm.exports['./libsql/web'], './adapters/libsql/web.ts')
    assert.equal(npm.exports['./conformance'], './test/conformance/mod.ts')
  })

  test('agree on version and licence, and the change log has the version', () => {
    assert.equal(npm.version, deno.version)
    assert.equal(npm.license, deno.license)
    const heading = new RegExp(`^## \\[${npm.version.replaceAll('.', '\\.')}\\]`, 'm')
    assert.match(readSource('CHANGELOG.md').text, heading)
  })

  test('pin every dependency to one version', () => {
    for (const [name, version] of Object.entries({ ...npm.dependencies, ...npm.devDependencies })) {
      assert.match(version, /^\d+\.\d+\.\d+(?:-[\w.]+)?$/, name)
    }
  })
})

test('files that are run under one runtime only are there', () => {
  const scripts = Object.values(npm.scripts).join('\n').replace(
    /(test\/[^\s{]*)\{(.*?)\}([^\s',]*)/g,
    (_, start, names: string, end) => names.split(',').map((name) => start + name + end).join(),
  )
  const left = scripts.match(/(?<=[=',])test\/[^\s',]+/g) ?? []
  assert.ok(left.length > 4)
  for (const path of left) assert.ok(existsSync(REPOSITORY + path), `${path} does not exist`)
})

test('.ci/run and the manifest name the same version of bun', () => {
  const { text } = readSource('.ci/run')
  assert.ok(text.includes(`bun@${npm.devDependencies?.['bun']} `), 'bun@… is another version')
})
