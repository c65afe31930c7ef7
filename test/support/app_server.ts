import { type ChildProcess, spawn } from 'node:child_process'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { BUN } from './spawn_server.ts'

/** How `server.ts` ended, and all that it printed. */
export interface AppEnd {
  readonly code: number | null
  readonly signal: string | null
  readonly stdout: string
  readonly stderr: string
}

/** `server.ts` as a user starts it, listening. */
export interface AppServer {
  readonly port: number
  /** What it printed until it was ready. */
  readonly greeting: string
  readonly ended: Promise<AppEnd>
  /** Sends it a signal, if it has not ended yet; resolves when it has. */
  end(signal: 'SIGTERM' | 'SIGINT' | 'SIGKILL'): Promise<AppEnd>
}

const SCRIPT = fileURLToPath(import.meta.resolve('../../server.ts'))
/** The last thing that the server prints when it starts. */
const READY = /^ +page +http:\/\/localhost:(\d+)\/[^]*^ +stop .*\n/m

/** Runs `server.ts` with nothing set but `env`, until it ends. `ready` is told when it says that it listens. */
function run(env: Record<string, string>, cwd: string, ready: (child: ChildProcess, stdout: string) => void) {
  const { PATH = '', HOME = '' } = process.env
  const child = spawn(BUN, ['run', SCRIPT], { cwd, env: { PATH, HOME, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk) => {
    stdout += chunk
    if (READY.test(stdout)) ready(child, stdout)
  })
  child.stderr.on('data', (chunk) => stderr += chunk)
  // The test process may be ended before it stops what it started.
  const kill = () => void child.kill('SIGKILL')
  process.once('exit', kill)
  return new Promise<AppEnd>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      process.off('exit', kill)
      resolve({ code, signal, stdout, stderr })
    })
  })
}

/** Runs a `server.ts` that cannot start, and gives how it ended. */
export async function failToStart(env: Record<string, string>, cwd: string): Promise<AppEnd> {
  return await run(env, cwd, (child) => child.kill('SIGKILL'))
}

/**
 * Starts `server.ts` in a folder; resolves when it says that it listens.
 * @throws with its stderr in the message when it ends before that.
 */
export async function startApp(env: Record<string, string>, cwd: string): Promise<AppServer> {
  return await new Promise((resolve, reject) => {
    const ended = run(env, cwd, (child, greeting) => {
      const end = (signal: NodeJS.Signals) => {
        // Not `child.kill`: after that Deno says it died of the signal, whatever it exited with.
        if (child.exitCode === null && child.signalCode === null && child.pid) process.kill(child.pid, signal)
        return ended
      }
      resolve({ port: Number(READY.exec(greeting)?.[1]), greeting, ended, end })
    })
    ended.then(
      ({ code, stderr }) => reject(new Error(`server.ts ended with ${code} before it listened: ${stderr}`)),
      reject,
    )
  })
}
