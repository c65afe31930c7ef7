import { type ChildProcess, spawn } from 'node:child_process'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** A TypeScript file running in its own process, on the runtime that runs the test. */
export interface Child {
  readonly process: ChildProcess
  /** What it prints, line by line, until it ends. */
  readonly lines: AsyncIterable<string>
  /** Resolves when it has ended, with its exit code or the signal's name, and what it wrote to stderr. */
  readonly ended: Promise<{ code: number | null; signal: string | null; stderr: string }>
}

/** Runs a file, given relative to this folder. */
export function startChild(file: string, ...args: string[]): Child {
  const script = fileURLToPath(new URL(file, import.meta.url))
  const run = 'Deno' in globalThis ? ['run', '-A', '--no-check'] : ['run']
  const child = spawn(process.execPath, [...run, script, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let stderr = ''
  child.stderr.on('data', (chunk) => stderr += chunk)
  // The test process may be ended before it stops what it started.
  const kill = () => void child.kill('SIGKILL')
  process.once('exit', kill)
  const ended = new Promise<{ code: number | null; signal: string | null; stderr: string }>((resolve) => {
    child.once('close', (code, signal) => {
      process.off('exit', kill)
      resolve({ code, signal, stderr })
    })
  })
  return { process: child, lines: createInterface({ input: child.stdout }), ended }
}
