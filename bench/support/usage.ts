import process from 'node:process'
import { setTimeout } from 'node:timers/promises'

/** What a server process has used so far: microseconds of CPU in all of its threads, bytes of memory. */
export interface Usage {
  readonly cpu: number
  readonly rss: number
}

export function usage(): Usage {
  const { user, system } = process.cpuUsage()
  return { cpu: user + system, rss: process.memoryUsage.rss() }
}

/** As `usage`, after what is garbage was given back. */
export async function settledUsage(): Promise<Usage> {
  for (let i = 0; i < 5; i++) {
    collectGarbage()
    await setTimeout(100)
  }
  return usage()
}

function collectGarbage(): void {
  if ('Bun' in globalThis) return Bun.gc(true)
  const { gc } = globalThis as { gc?: () => void }
  if (gc === undefined) throw new Error('Deno was started without --v8-flags=--expose-gc.')
  gc()
}
