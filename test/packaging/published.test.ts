import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { type Installed, installPackage, run } from '../support/packed.ts'
import { readSource, REPOSITORY } from '../support/source.ts'
import { denoBinary } from '../support/spawn_server.ts'

const TSC = fileURLToPath(import.meta.resolve('../../node_modules/.bin/tsc'))

// What these tools say does not depend on the runtime that starts them, and takes them seconds.
if (!('Deno' in globalThis)) {
  describe('the npm package, as it is published', { timeout: 60_000 }, () => {
    let installed: Installed

    before(async () => {
      installed = await installPackage()
    })

    after(() => installed.remove())

    test('publint finds nothing', async () => {
      const data = await readFile(installed.tarball)
      const tarball = data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength)
      const { messages, pkg } = await publint({ pack: { tarball }, strict: true })
      assert.deepEqual(messages.map((message) => formatMessage(message, pkg, { color: false })), [])
    })

    test('its types are right for import, in bundlers and in Node', async () => {
      const analysis = await checkPackage(
        createPackageFromTarballData(new Uint8Array(await readFile(installed.tarball))),
      )
      assert.ok(analysis.types)
      // The package is ESM alone: `require` of it, and resolution from before there were exports, are not promised.
      const promised = ['bundler', 'node16-esm']
      const problems = analysis.problems.filter((problem) => {
        return !('resolutionKind' in problem) || promised.includes(problem.resolutionKind)
      })
      assert.deepEqual(problems, [])
      const { exports } = JSON.parse(readSource('package.json').text) as { exports: Record<string, string> }
      for (const name of Object.keys(exports)) {
        for (const kind of ['bundler', 'node16-esm'] as const) {
          const found: { readonly isTypeScript: boolean } | undefined = analysis.entrypoints[name]?.resolutions[kind]
            .resolution
          assert.ok(found?.isTypeScript, `${name} has no types in ${kind}`)
        }
      }
    })

    test('types resolve under bundler and nodenext, without the types of any runtime', async () => {
      const strict = ['--strict', '--exactOptionalPropertyTypes', '--noEmit', '--allowImportingTsExtensions']
      const common = [...strict, '--target', 'esnext', '--lib', 'esnext,dom,dom.iterable', '--types', '']
      for (const [module, resolution] of [['esnext', 'bundler'], ['nodenext', 'nodenext']] as const) {
        const resolve = ['--module', module, '--moduleResolution', resolution]
        await check(TSC, ...common, ...resolve, '--skipLibCheck', 'false', 'types.ts')
        await check(TSC, ...common, ...resolve, '--skipLibCheck', 'store_types.ts')
      }
    })

    test('its types have nothing that is only for rotunda itself', async () => {
      for (const path of await readdir(installed.built, { recursive: true })) {
        if (!path.endsWith('.d.ts')) continue
        assert.doesNotMatch(await readFile(join(installed.built, path), 'utf8'), /@internal/, path)
      }
    })

    test('types resolve in Deno', async () => {
      await check(denoBinary(), 'check', 'types.ts', 'store_types.ts', 'server.ts', 'client.ts', 'example.ts')
    })

    /** Runs a compiler in the project. It tells its errors on stdout, which the error of a failed program does not show. */
    async function check(command: string, ...args: string[]): Promise<void> {
      await run(command, args, { cwd: installed.project }).catch((error: { stdout: string; stderr: string }) => {
        throw new Error(`${error.stdout}${error.stderr}`)
      })
    }
  })

  // Dry run: everything but the upload, types fast enough for JSR included. It needs no network.
  test('JSR would take the repository as it is', { timeout: 60_000 }, async () => {
    const { stdout, stderr } = await run(denoBinary(), ['publish', '--dry-run', '--allow-dirty'], {
      cwd: REPOSITORY,
      env: { ...process.env, NO_COLOR: '1' },
    })
    const told = stdout + stderr
    assert.match(told, /Dry run complete/)
    assert.doesNotMatch(told, /warning/i)
    const files = [...told.matchAll(/file:\/\/\S+\/((?:src|adapters|test|docs|examples|bench|scripts)\/\S+)/g)]
    const paths = files.map(([, path = '']) => path)
    const { exports } = JSON.parse(readSource('deno.json').text) as { exports: Record<string, string> }
    for (const file of Object.values(exports)) assert.ok(paths.includes(file.slice(2)), `${file} would be left out`)
    assert.deepEqual(paths.filter((path) => !/^(?:src|adapters|test\/conformance)\/.*\.(?:ts|md|fbs)$/.test(path)), [])
  })
}
