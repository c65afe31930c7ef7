import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { denoBinary } from '../../test/support/spawn_server.ts'

/** What one process offers to the one that started it: functions by name, plain data in and out. */
export type Commands = Record<string, (argument: never) => unknown>

interface Call {
  readonly call: number
  readonly name: string
  readonly argument: unknown
}

interface Answer {
  readonly call: number
  readonly value?: unknown
  readonly error?: string
}

/** What runs a process of the benchmark. */
export type Runtime = 'bun' | 'deno'

/** `BENCH_PROFILE=server.ts bun run bench publish` leaves CPU profiles of that process on Bun in the temporary directory. */
const PROFILED = process.env['BENCH_PROFILE']

/** A process of the benchmark, called by name. */
export class Remote<C extends Commands> {
  readonly #process: Bun.Subprocess
  readonly #pending = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
  #calls = 0

  /**
   * Starts a file of this folder's parent in a process of its own.
   * @param isLast Whether all others go before it where there are too few processors.
   */
  constructor(file: string, options: unknown = {}, runtime: Runtime = 'bun', isLast = false) {
    const script = fileURLToPath(new URL(`../${file}`, import.meta.url))
    this.#process = Bun.spawn([
      ...(isLast ? ['nice', '-n', '19'] : []),
      ...commandOf(runtime, file),
      script,
      JSON.stringify(options),
    ], {
      // The one that both runtimes speak.
      serialization: 'json',
      stdio: ['ignore', 'inherit', 'inherit'],
      ipc: (answer) => this.#settle(answer as Answer),
      onExit: (_process, code, signal) => {
        for (const { reject } of this.#pending.values()) reject(new Error(`${file} ended with ${signal ?? code}.`))
        this.#pending.clear()
      },
    })
  }

  call<K extends keyof C & string>(
    name: K,
    ...[argument]: Parameters<C[K]>
  ): Promise<Awaited<ReturnType<C[K]>>> {
    return new Promise((resolve, reject) => {
      const call: Call = { call: ++this.#calls, name, argument }
      this.#pending.set(call.call, { resolve: (value) => resolve(value as Awaited<ReturnType<C[K]>>), reject })
      this.#process.send(call)
    })
  }

  /** Ends the process; resolves when it is gone. */
  async stop(): Promise<void> {
    this.#process.kill(PROFILED === undefined ? 'SIGKILL' : 'SIGTERM')
    await this.#process.exited
  }

  #settle({ call, value, error }: Answer): void {
    const waiting = this.#pending.get(call)
    this.#pending.delete(call)
    if (error === undefined) waiting?.resolve(value)
    else waiting?.reject(new Error(error))
  }
}

function commandOf(runtime: Runtime, file: string): string[] {
  if (runtime === 'deno') return [denoBinary(), 'run', '-A', '--no-check', '--v8-flags=--expose-gc']
  const flags = PROFILED === file ? ['--cpu-prof', `--cpu-prof-dir=${join(tmpdir(), 'rotunda-profile')}`] : []
  return [process.execPath, ...flags]
}

/** In the started process: answers the calls of the one that started it, and ends with it. */
export function expose<C extends Commands>(commands: C): void {
  process.on('message', async ({ call, name, argument }: Call) => {
    try {
      process.send?.({ call, value: await commands[name]!(argument as never) })
    } catch (error) {
      process.send?.({ call, error: error instanceof Error ? error.stack ?? error.message : String(error) })
    }
  })
  process.on('disconnect', () => process.exit())
  process.on('SIGTERM', () => process.exit())
}

/** The options the process was started with. */
export function startedWith<T>(): T {
  return JSON.parse(process.argv[2] ?? '{}') as T
}
