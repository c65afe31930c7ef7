import { spawn } from 'node:child_process'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { denoBinary } from './spawn_server.ts'

/** How `examples/deno/main.ts` ended, and what it printed. */
export interface EdgeEnd {
  readonly code: number | null
  readonly signal: string | null
  readonly stderr: string
}

/** `examples/deno/main.ts` as an edge host runs it, listening. */
export interface EdgeServer {
  readonly port: number
  /** Sends a signal, unless it has ended; `ended` tells what came of it. */
  kill(signal: 'SIGINT' | 'SIGTERM' | 'SIGKILL'): void
  readonly ended: Promise<EdgeEnd>
}

const EXAMPLE = fileURLToPath(import.meta.resolve('../../examples/deno/main.ts'))

/** All that it is allowed: no files, no native code, no processes, no system information. */
const PERMISSIONS = ['--allow-net', '--allow-env', '--no-prompt']

function run(env: Record<string, string>, ready: (port: number, kill: EdgeServer['kill']) => void): Promise<EdgeEnd> {
  const { PATH = '', HOME = '' } = process.env
  const child = spawn(denoBinary(), ['run', '--no-check', ...PERMISSIONS, EXAMPLE], {
    env: { PATH, HOME, NO_COLOR: '1', PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  const kill = (signal: NodeJS.Signals) => {
    // After `child.kill` Deno says it died of that, whatever it exited with.
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) process.kill(child.pid, signal)
  }
  child.stdout.on('data', (chunk) => {
    const port = /listens at http:\/\/localhost:(\d+)\//.exec(stdout += chunk)?.[1]
    if (port !== undefined) ready(Number(port), kill)
  })
  child.stderr.on('data', (chunk) => stderr += chunk)
  // The test process may be ended before it stops what it started.
  const cleanUp = () => void child.kill('SIGKILL')
  process.once('exit', cleanUp)
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      process.off('exit', cleanUp)
      resolve({ code, signal, stderr })
    })
  })
}

/**
 * Starts the example with the network and these environment variables and nothing else; resolves when it listens.
 * @throws with its stderr in the message when it ends before that.
 */
export async function startEdge(env: Record<string, string>): Promise<EdgeServer> {
  return await new Promise((resolve, reject) => {
    const ended = run(env, (port, kill) => resolve({ port, kill, ended }))
    ended.then(({ code, stderr }) => reject(new Error(`The example ended with ${code}: ${stderr}`)), reject)
  })
}

/** Runs an example that cannot start, and gives how it ended. */
export async function failToStartEdge(env: Record<string, string>): Promise<EdgeEnd> {
  return await run(env, (_, kill) => kill('SIGKILL'))
}
