import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { type FileHandle, open, readFile, rename } from 'node:fs/promises'
import process from 'node:process'
import { type OutboxEntry, type OutboxId, type OutboxStore, RotundaError } from '../../src/client/mod.ts'

/** An outbox of this process, until it is closed. */
export interface FileOutbox extends OutboxStore {
  /** Finishes what is being written, and leaves the file to others. */
  close(): Promise<void>
}

/** A line of the file: what was added, or what was removed. */
type Line = { readonly put: StoredEntry; readonly remove?: never } | { readonly remove: OutboxId; readonly put?: never }
type StoredEntry = Omit<OutboxEntry, 'payload'> & { readonly payload?: string; readonly bytes?: string }

/** Lines of what is no longer there, before the file is written anew. */
const SLACK = 1_000

/**
 * Keeps entries in a file, which survives the process, and on disk before `put` resolves, which survives the machine.
 * One process has it at a time.
 *
 * @param path Of the file; beside it are `<path>.lock`, and for moments `<path>.new`.
 * @throws {RotundaError} `invalid_config` while another process has it.
 * @example
 * ```ts
 * const queue = outbox({ store: fileOutbox('./data/outbox.jsonl') })
 * ```
 */
export function fileOutbox(path: string): FileOutbox {
  return new Journal(path)
}

class Journal implements FileOutbox {
  readonly #path: string
  readonly #entries = new Map<string, OutboxEntry>()
  readonly #unlock: () => void
  #file: FileHandle | undefined
  #lines = 0
  #last: Promise<unknown> = Promise.resolve()

  constructor(path: string) {
    this.#path = path
    this.#unlock = lock(`${path}.lock`)
    void this.#next(() => this.#read()).catch(() => {})
  }

  load(): Promise<readonly OutboxEntry[]> {
    return this.#next(() => Promise.resolve([...this.#entries.values()]))
  }

  put(entries: readonly OutboxEntry[]): Promise<void> {
    return this.#next(async () => {
      const wanted = entries.filter((entry) => !this.#entries.has(idOf(entry)))
      await this.#write(wanted.map((entry) => ({ put: toStored(entry) })))
      for (const entry of wanted) this.#entries.set(idOf(entry), entry)
    })
  }

  remove(ids: readonly OutboxId[]): Promise<void> {
    return this.#next(async () => {
      const there = ids.filter((id) => this.#entries.has(idOf(id)))
      for (const id of there) this.#entries.delete(idOf(id))
      await this.#write(there.map(({ room, key }) => ({ remove: { room, key } })))
      if (this.#lines > SLACK + 2 * this.#entries.size) await this.#compact()
    })
  }

  async close(): Promise<void> {
    await this.#next(async () => {
      await this.#file?.close()
      this.#file = undefined
      this.#unlock()
    })
  }

  #next<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work)
    this.#last = result.catch(() => {})
    return result
  }

  async #read(): Promise<void> {
    const text = await readFile(this.#path, 'utf8').catch((error) => {
      if (error.code === 'ENOENT') return ''
      throw error
    })
    for (const line of text.split('\n').filter(Boolean)) {
      const { put, remove } = readLine(line) ?? {}
      if (put) this.#entries.set(idOf(put), fromStored(put))
      if (remove) this.#entries.delete(idOf(remove))
    }
    // Without the half of a line that a crash may have left.
    await this.#compact()
  }

  async #write(lines: readonly Line[]): Promise<void> {
    if (lines.length === 0) return
    this.#file ??= await open(this.#path, 'a', 0o600)
    await this.#file.appendFile(lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
    await this.#file.datasync()
    this.#lines += lines.length
  }

  async #compact(): Promise<void> {
    await this.#file?.close()
    this.#file = undefined
    const file = await open(`${this.#path}.new`, 'w', 0o600)
    try {
      const lines = [...this.#entries.values()].map((entry) => `${JSON.stringify({ put: toStored(entry) })}\n`)
      await file.writeFile(lines.join(''))
      await file.datasync()
    } finally {
      await file.close()
    }
    await rename(`${this.#path}.new`, this.#path)
    this.#lines = this.#entries.size
  }
}

function idOf({ room, key }: OutboxId): string {
  return `${room}\n${key}`
}

function toStored({ payload, ...rest }: OutboxEntry): StoredEntry {
  return typeof payload === 'string'
    ? { ...rest, payload }
    : { ...rest, bytes: btoa(payload.reduce((text, byte) => text + String.fromCharCode(byte), '')) }
}

function fromStored({ payload, bytes, ...rest }: StoredEntry): OutboxEntry {
  return { ...rest, payload: payload ?? Uint8Array.from(atob(bytes!), (letter) => letter.charCodeAt(0)) }
}

function readLine(line: string): Line | undefined {
  try {
    return JSON.parse(line) as Line
  } catch {
    return undefined
  }
}

/** @throws {RotundaError} `invalid_config` */
function lock(path: string): () => void {
  for (;;) {
    try {
      const file = openSync(path, 'wx', 0o600)
      writeSync(file, String(process.pid))
      closeSync(file)
      return () => rmSync(path, { force: true })
    } catch (error) {
      if ((error as { code?: string }).code !== 'EEXIST') throw error
      const owner = Number(readFileSync(path, 'utf8'))
      if (isAlive(owner)) throw new RotundaError('invalid_config', `${path} is held by process ${owner}.`)
      rmSync(path, { force: true })
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    return pid > 0 && process.kill(pid, 0)
  } catch (error) {
    return (error as { code?: string }).code === 'EPERM'
  }
}
