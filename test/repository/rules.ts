import { codeOf, importsOf, resolveImport, type SourceFile } from '../support/source.ts'

/** A line that breaks a rule. */
export type Breach = string

/** Which folders of `src` each folder may import from, besides itself. DESIGN: arrows point one way. */
export const ARROWS: Readonly<Record<string, readonly string[]>> = {
  protocol: [],
  rfc6455: ['protocol'],
  storage: ['protocol'],
  cluster: ['protocol'],
  hub: ['protocol', 'storage', 'cluster'],
  raw: ['protocol', 'hub'],
  fallback: ['protocol', 'hub'],
  inspector: ['protocol', 'hub'],
  http: ['protocol', 'rfc6455', 'hub', 'raw', 'fallback', 'inspector'],
  client: ['protocol'],
  runtime: ['protocol', 'storage', 'cluster', 'hub', 'fallback', 'http'],
  'mod.ts': ['protocol', 'storage', 'cluster', 'hub', 'raw', 'fallback', 'inspector', 'http', 'runtime'],
}

const RUNTIME_GLOBAL =
  /(?<![\w$.#])(Bun|Deno|process|Buffer|require|global|__dirname|__filename|setImmediate)(?![\w$]|\??:)/g

/** A file of `src` may import relative `.ts` files of `src` only. */
export function foreignImports(file: SourceFile): Breach[] {
  return importsOf(file).filter((specifier) => {
    return !specifier.startsWith('.') || !specifier.endsWith('.ts') ||
      !resolveImport(file.path, specifier).startsWith('src/')
  }).map((specifier) => `${file.path} imports ${specifier}`)
}

/** A file of `src` may use what every web-standard runtime has, nothing of one of them. */
export function runtimeGlobals(file: SourceFile): Breach[] {
  return [...codeOf(file).matchAll(RUNTIME_GLOBAL)].map(([, name]) => `${file.path} uses ${name}`)
}

/** Imports between folders of `src` follow the arrows. */
export function wrongArrows(file: SourceFile): Breach[] {
  const own = file.path.split('/')[1]!
  const allowed = ARROWS[own]
  if (allowed === undefined) return [`${file.path} is in a folder for which no arrows are declared`]
  return importsOf(file).map((specifier) => resolveImport(file.path, specifier)).filter((path) => {
    const folder = path.split('/')[1]!
    return path.startsWith('src/') && folder !== own && !allowed.includes(folder)
  }).map((path) => `${file.path} imports ${path}`)
}

/** An adapter for a framework mounts those for the runtimes that the framework runs on; others keep apart. */
const MOUNTS: Readonly<Record<string, readonly string[]>> = { hono: ['bun', 'deno'] }

/** Adapters see the public faces of `src`, never its insides, and each other only where they mount one another. */
export function pastTheFace(file: SourceFile): Breach[] {
  const own = file.path.split('/')[1]!
  return importsOf(file).filter((specifier) => specifier.startsWith('.')).map((specifier) => {
    return resolveImport(file.path, specifier)
  }).filter((path) => {
    const isFace = /^src\/(?:\w+\/)?mod\.ts$/.test(path)
    const other = path.startsWith('adapters/') ? path.split('/')[1]! : undefined
    return !isFace && other !== own && !MOUNTS[own]?.includes(other ?? '')
  }).map((path) => `${file.path} imports ${path}`)
}

export function longerThan(lines: number, { path, text }: SourceFile): Breach[] {
  const length = text.trimEnd().split('\n').length
  return length > lines ? [`${path} has ${length} lines`] : []
}

export function starExports(file: SourceFile): Breach[] {
  return /\bexport\s*\*/.test(codeOf(file)) ? [`${file.path} has export *`] : []
}

export function anyTypes(file: SourceFile): Breach[] {
  const lines = file.text.split('\n')
  return codeOf(file).split('\n').flatMap((line, index) => {
    const isExcused = lines[index - 1]?.includes('deno-lint-ignore no-explicit-any -- ')
    return !isExcused && /(?<![\w$.])any(?![\w$]|\()/.test(line) ? [`${file.path}:${index + 1}: ${line.trim()}`] : []
  })
}

export function unchecked({ path, text }: SourceFile): Breach[] {
  const words = ['@ts-' + 'ignore', '@ts-' + 'nocheck', 'deno-lint-ignore-' + 'file']
  return words.filter((word) => text.includes(word)).map((word) => `${path} has ${word}`)
}

export function unrunTests(file: SourceFile): Breach[] {
  const code = codeOf(file)
  const found = code.match(/\.(?:only|skip|todo)\s*\(|\b(?:only|skip|todo)\s*:\s*(?!false)\S/g) ?? []
  return found.map((match) => `${file.path} has ${match}`)
}

const HOSTS = [['registry', 'npmjs', 'org'], ['registry', 'yarnpkg', 'com'], ['npm', 'jsr', 'io'], [
  'deb',
  'debian',
  'org',
]]
const MACHINE = new RegExp(`(?<![\\w.*-])/(?:${['ro' + 'ot', 'wo' + 'rk', 'ho' + 'me/\\w+', 'Us' + 'ers'].join('|')})/`)

export function machineTraces({ path, text }: SourceFile): Breach[] {
  return text.split('\n').flatMap((line, index) => {
    const isTrace = MACHINE.test(line) || HOSTS.some((host) => line.includes(host.join('.')))
    return isTrace ? [`${path}:${index + 1}: ${line.trim().slice(0, 100)}`] : []
  })
}
