import { spawn } from 'node:child_process'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { BUN, denoBinary } from '../../support/spawn_server.ts'

/** What a member in a process of its own does. */
export interface MemberOptions {
  readonly url: string
  readonly room: string
  readonly user: string
  /** The id of the key it encrypts with. */
  readonly current: string
  readonly keys: Readonly<Record<string, string>>
  /** What it says, each message after the one before is stored. */
  readonly says: readonly string[]
  /** How many messages it hears before it leaves. */
  readonly until: number
}

/** A running member. */
export interface Member {
  /** Resolves with the first line that fits, of those that came and come. */
  line(pattern: RegExp): Promise<string>
  /** All that it printed, once it has ended by itself. @throws where it failed. */
  readonly ended: Promise<string[]>
  kill(): void
}

/** Starts a member on either runtime. */
export function startMember(runtime: 'bun' | 'deno', options: MemberOptions): Member {
  const script = fileURLToPath(import.meta.resolve('./member.ts'))
  const [command, ...run] = runtime === 'deno' ? [denoBinary(), 'run', '-A', '--no-check'] : [BUN, 'run']
  const child = spawn(command, [...run, script, JSON.stringify(options)], { stdio: ['ignore', 'pipe', 'pipe'] })
  const kill = () => void child.kill('SIGKILL')
  process.once('exit', kill)
  const lines: string[] = []
  let errors = ''
  let look = () => {}
  child.stderr.on('data', (chunk) => errors += chunk)
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line)
    look()
  })
  const ended = new Promise<string[]>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => {
      process.off('exit', kill)
      if (code === 0) resolve(lines)
      else reject(new Error(`The member on ${runtime} ended with ${code}: ${lines.join('\n')}\n${errors}`))
    })
  })
  // Looked at by who waits for it; a test that fails before that kills it.
  ended.catch(() => {})
  const line = (pattern: RegExp) =>
    new Promise<string>((resolve, reject) => {
      look = () => {
        const found = lines.find((candidate) => pattern.test(candidate))
        if (found !== undefined) resolve(found)
      }
      look()
      ended.then(() => reject(new Error(`The member never said ${pattern}: ${lines.join('\n')}`)), reject)
    })
  return { line, ended, kill }
}
