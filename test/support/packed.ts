import { execFile } from 'node:child_process'
import { cp, mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { readSource, REPOSITORY } from './source.ts'
import { BUN } from './spawn_server.ts'
import { tempDir } from './temp_dir.ts'

/** Runs a program to its end; rejects with what it wrote to stderr when it fails. */
export const run = promisify(execFile)

/** The npm package, packed and installed in a project that has nothing else. */
export interface Installed {
  /** The package as it was built. */
  readonly built: string
  readonly tarball: string
  /** The project, with the files of `test/packaging/consumer` in it. */
  readonly project: string
  remove(): Promise<void>
}

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
}

/** Builds, packs with npm, and installs the tarball, hono and zod with Bun. */
export async function installPackage(): Promise<Installed> {
  const dir = await tempDir()
  const [built, project] = ['dist', 'project'].map((name) => join(dir.path, name)) as [string, string]
  await run(BUN, ['run', 'scripts/build.ts', built], { cwd: REPOSITORY })
  await run('npm', ['pack', '--pack-destination', dir.path, '--loglevel', 'error'], { cwd: built })
  const file = (await readdir(dir.path)).find((name) => name.endsWith('.tgz'))
  if (file === undefined) throw new Error('npm packed nothing.')
  const tarball = join(dir.path, file)

  await cp(join(REPOSITORY, 'test/packaging/consumer'), project, { recursive: true })
  await cp(join(REPOSITORY, 'examples/deno/main.ts'), join(project, 'example.ts'))
  const { dependencies, devDependencies: { hono, zod } } = JSON.parse(readSource('package.json').text) as Manifest
  const manifest = { name: 'consumer', private: true, type: 'module', dependencies: { rotunda: tarball, hono, zod } }
  await writeFile(join(project, 'package.json'), JSON.stringify(manifest))
  try {
    await run(BUN, ['install', '--prefer-offline'], { cwd: project })
  } catch {
    // No registry: what the package says it needs is taken from where the repository has it, and nothing else.
    await rm(join(project, 'node_modules'), { recursive: true, force: true })
    // Deno asks for the types of Node, which come with a dependency of a dependency.
    await unpackBeside(project, tarball, [...Object.keys(dependencies), 'hono', 'zod', '@types/node'])
  }
  return { built, tarball, project, remove: dir.remove }
}

async function unpackBeside(project: string, tarball: string, packages: readonly string[]): Promise<void> {
  const modules = join(project, 'node_modules')
  await mkdir(join(modules, 'rotunda'), { recursive: true })
  await run('tar', ['-xzf', tarball, '-C', join(modules, 'rotunda'), '--strip-components', '1'])
  for (const name of packages) {
    const place = join(modules, name)
    await mkdir(dirname(place), { recursive: true })
    await symlink(join(REPOSITORY, 'node_modules', name), place)
  }
}
