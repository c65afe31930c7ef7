import process from 'node:process'
import { createServer } from 'node:net'
import type { Way } from '../support/hosts/ways.ts'
import { type HostName, HOSTS } from '../support/spawn_server.ts'
import type { Random } from '../support/random.ts'

/**
 * Rounds where `CRASH_ROUNDS` does not ask for as many of every run: one over each way to each host, more over WebSockets,
 * so that a run of the tests on Bun kills some twenty-five times. Clients on Deno show that it is not Bun's that hold.
 */
const ROUNDS = { websocket: 3, other: 1 } as const

/** Rounds on one database. More than that go on with a new one, so that thousands do not become one endless log. */
const ROUNDS_OF_A_RUN = 25

export const RUNTIME: 'bun' | 'deno' = 'Deno' in globalThis ? 'deno' : 'bun'

/** Decides all that is not left to the clock. `CRASH_SEED` repeats it. */
export const SEED: number = Number(process.env['CRASH_SEED'] ?? Math.floor(Math.random() * 1e9))

/** All hosts under clients on Bun, one of them under clients on Deno; `CRASH_HOSTS` (`bun,deno`) names others. */
export const TESTED_HOSTS: readonly HostName[] = HOSTS.filter((host) => {
  return process.env['CRASH_HOSTS']?.split(',').includes(host) ?? (RUNTIME === 'bun' || host === 'deno')
})

/** The rounds of each run over a way. */
export function runsOver(way: Way): number[] {
  const rounds = Number(process.env['CRASH_ROUNDS'] ?? ROUNDS[way === 'websocket' ? way : 'other'])
  const runs = Array.from<number>({ length: Math.floor(rounds / ROUNDS_OF_A_RUN) }).fill(ROUNDS_OF_A_RUN)
  return rounds % ROUNDS_OF_A_RUN === 0 ? runs : [...runs, rounds % ROUNDS_OF_A_RUN]
}

/**
 * A port for a server that comes back to it. Below those that the system gives to outgoing connections: a client that
 * tries to reach a port where nobody listens can be given that very port, and then talks to itself.
 */
export async function lastingPort(random: Random): Promise<number> {
  for (;;) {
    const port = random.whole(20_000, 32_000)
    const free = await new Promise<boolean>((resolve) => {
      const server = createServer()
      server.once('error', () => resolve(false))
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
    })
    if (free) return port
  }
}

/** Says how far a run is: runs are long. */
export function progress(text: string): void {
  console.log(`crash: ${text}`)
}
