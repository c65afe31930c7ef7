import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { tempDir } from './temp_dir.ts'

const ROOT = fileURLToPath(import.meta.resolve('../../'))

/** A user's project in which `rotunda` is this repository; for Bun, for Deno and for the type check. */
export async function userProject(
  files: ReadonlyMap<string, string>,
  dependencies: readonly string[] = ['zod', 'hono'],
): Promise<{ path: string; remove: () => Promise<void> }> {
  const directory = await tempDir()
  for (const [name, content] of files) writeFileSync(join(directory.path, name), content)
  mkdirSync(join(directory.path, 'node_modules'))
  symlinkSync(ROOT, join(directory.path, 'node_modules', 'rotunda'))
  const manifest = JSON.parse(readFileSync(join(ROOT, 'deno.json'), 'utf8')) as { exports: Record<string, string> }
  const entries = Object.entries(manifest.exports).map(([entry, file]) => {
    return [`rotunda${entry.slice(1)}`, join(ROOT, file)] as const
  })
  const imports = Object.fromEntries(entries.map(([name, file]) => [name, `file://${file}`]))
  for (const name of dependencies) {
    const folder = join(ROOT, 'node_modules', name)
    symlinkSync(folder, join(directory.path, 'node_modules', name))
    const { exports, module, main } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    const face = exports?.['.'] ?? exports
    const file = face?.import?.default ?? face?.import ?? face?.default ?? module ?? main
    imports[name] = `file://${join(folder, file)}`
  }
  writeFileSync(join(directory.path, 'deno.json'), JSON.stringify({ imports, nodeModulesDir: 'manual' }))
  const paths = Object.fromEntries(entries.map(([name, file]) => [name, [file]]))
  const compilerOptions = {
    paths,
    typeRoots: [join(ROOT, 'node_modules/@types')],
    types: ['bun'],
    noPropertyAccessFromIndexSignature: false,
  }
  // Deno brings its types itself; its own programs are not for tsc.
  const include = [...files.keys()].filter((name) => name.endsWith('.ts') && !name.startsWith('deno'))
  const tsconfig = { extends: join(ROOT, 'tsconfig.json'), compilerOptions, include: [], files: include }
  writeFileSync(join(directory.path, 'tsconfig.json'), JSON.stringify(tsconfig))
  return directory
}
