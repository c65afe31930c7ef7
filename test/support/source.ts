import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The repository's folder, with a slash at its end. */
export const REPOSITORY: string = fileURLToPath(import.meta.resolve('../../'))

/** A file by its path from the repository's folder, and its text. */
export interface SourceFile {
  readonly path: string
  readonly text: string
}

const NOT_OURS = new Set(['node_modules', '.git', 'data', 'dist'])

/** All files below a folder of the repository that are ours: not installed, not made by running something. */
export function pathsBelow(folder: string): string[] {
  return readdirSync(REPOSITORY + folder, { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`
    if (NOT_OURS.has(entry.name)) return []
    return entry.isDirectory() ? pathsBelow(path) : entry.isFile() ? [path] : []
  })
}

export function readSource(path: string): SourceFile {
  return { path, text: readFileSync(REPOSITORY + path, 'utf8') }
}

/** The TypeScript files below these folders. */
export function typescript(...folders: string[]): SourceFile[] {
  return folders.flatMap(pathsBelow).filter((path) => path.endsWith('.ts')).map(readSource)
}

/** What a file imports or re-exports, statically or by `import('…')`, as written. */
export function importsOf({ text }: SourceFile): string[] {
  const code = withoutComments(text)
  const matches = code.matchAll(/\b(?:from|import)\s*\(?\s*(['"])([^'"\n]+)\1|\bnew URL\(\s*(['"])([^'"\n]+\.ts)\3/g)
  return [...matches].map((match) => match[2] ?? match[4] ?? '')
}

/** Where a relative import of a file leads, as a path from the repository's folder. */
export function resolveImport(from: string, specifier: string): string {
  return new URL(specifier, `file:///${from}`).pathname.slice(1)
}

const COMMENT_OR_TEXT = /\/\*[^]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`/g

export function withoutComments(text: string): string {
  return text.replace(COMMENT_OR_TEXT, (part) => part.startsWith('/') ? ' ' : part)
}

/** Code alone, its lines where they were: comments gone, texts empty, of templates only what is computed in them. */
export function codeOf({ text }: SourceFile): string {
  return text.replace(COMMENT_OR_TEXT, (part) => {
    if (part.startsWith('/')) return part.replace(/[^\n]+/g, ' ')
    if (!part.startsWith('`')) return "''"
    return [...part.matchAll(/\$\{([^}]*)\}/g)].map(([, computed]) => `(${computed})`).join(' ')
  })
}
