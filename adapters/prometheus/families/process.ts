import { readFileSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import process from 'node:process'
import { counter, type Family, gauge, type Sample } from '../family.ts'

/** What is read from a process is the process itself. */
type Process = undefined

/** The process, under the names that Prometheus gives it everywhere. What a system does not tell is left out. */
export function processFamilies(): Family<Process>[] {
  const startedAt = Date.now() / 1000 - process.uptime()
  const most = mostFiles()
  return [
    counter('process_cpu_seconds_total', 'CPU time used, user and system.', () => {
      const { user, system } = process.cpuUsage()
      return (user + system) / 1e6
    }),
    gauge('process_resident_memory_bytes', 'Resident memory.', () => process.memoryUsage().rss),
    gauge('process_start_time_seconds', 'When the process started, in seconds since 1970.', () => startedAt),
    { name: 'process_open_fds', type: 'gauge', help: 'Open files and sockets.', read: openFiles },
    gauge('process_max_fds', 'Files and sockets that may be open.', () => most),
  ]
}

/** Linux says how many since 6.2; before that they must be listed, which takes 20 ms where there are 10,000. */
async function openFiles(): Promise<Sample[]> {
  try {
    const { size } = await stat('/proc/self/fd')
    return [{ labels: {}, value: size > 0 ? size : (await readdir('/proc/self/fd')).length }]
  } catch {
    return []
  }
}

function mostFiles(): number | undefined {
  try {
    const most = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]
    return most === undefined ? undefined : Number(most)
  } catch {
    return undefined
  }
}
