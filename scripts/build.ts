/**
 * Makes the npm package in `dist/`: JavaScript and declarations in the folders the sources have, and a package.json
 * whose exports name them. `bun run build`, then `npm publish ./dist`. Another folder may be given: `build.ts <folder>`.
 */
import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const REPOSITORY = fileURLToPath(new URL('../', import.meta.url))
/** What of the repository's manifest is the consumer's business too. */
const KEPT = [
  'name',
  'version',
  'description',
  'license',
  'type',
  'sideEffects',
  'dependencies',
  'peerDependencies',
] as const
const TEXTS = ['README.md', 'CHANGELOG.md', 'LICENSE']
/** What clients in other languages are generated from. */
const SCHEMA = 'adapters/flatbuffers/rotunda.fbs'

type Manifest = Record<string, unknown> & { readonly exports: Record<string, string> }

const out = resolve(process.argv[2] ?? join(REPOSITORY, 'dist'))
rmSync(out, { recursive: true, force: true })
execFileSync(join(REPOSITORY, 'node_modules/.bin/tsc'), ['-p', 'tsconfig.build.json', '--outDir', out], {
  cwd: REPOSITORY,
  stdio: 'inherit',
})
// To whoever looks into the package, a folder named test was published by mistake.
renameSync(join(out, 'test/conformance'), join(out, 'conformance'))
rmSync(join(out, 'test'), { recursive: true })
for (const path of readdirSync(out, { recursive: true, encoding: 'utf8' })) {
  if (/\.(?:js|d\.ts)$/.test(path)) finish(path)
}
writeFileSync(join(out, 'package.json'), `${JSON.stringify(manifest(), null, 2)}\n`)
copyFileSync(join(REPOSITORY, SCHEMA), join(out, SCHEMA))
for (const name of TEXTS) if (existsSync(join(REPOSITORY, name))) copyFileSync(join(REPOSITORY, name), join(out, name))

/** The compiler leaves the sources' extension in declarations, and in URLs of workers. */
function finish(path: string): void {
  const file = join(out, path)
  const source = readFileSync(file, 'utf8')
  const text = path.startsWith('conformance/') ? source.replaceAll("'../../", "'../") : source
  const finished = path.endsWith('.js')
    ? text.replace(/(new URL\('\.[^']*)\.ts(', import\.meta\.url\))/g, '$1.js$2')
    : text.replace(/((?:from |import\()(['"])\.{1,2}\/[^'"]*)\.ts\2/g, '$1.js$2')
  if (finished !== source) writeFileSync(file, finished)
}

function manifest(): Record<string, unknown> {
  const own = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8')) as Manifest
  const built = Object.entries(own.exports).map(([name, source]) => {
    const base = source.replace(/\.ts$/, '').replace('./test/conformance/', './conformance/')
    for (const file of [`${base}.js`, `${base}.d.ts`]) {
      if (!existsSync(join(out, file))) throw new Error(`${name} is exported and ${file} was not built.`)
    }
    return [name, { types: `${base}.d.ts`, default: `${base}.js` }]
  })
  const kept = Object.fromEntries(KEPT.map((name) => [name, own[name]]))
  const { peerDependenciesMeta } = own
  return {
    ...kept,
    peerDependenciesMeta,
    exports: { ...Object.fromEntries(built), './package.json': './package.json' },
  }
}
