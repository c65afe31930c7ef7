import { spawn } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { freePort } from '../../support/free_port.ts'
import { tempDir } from '../../support/temp_dir.ts'

/** A real Prometheus, in a process of its own. */
export interface Prometheus {
  /** Asks its API; gives what is under `data`. @throws when it answers with an error. */
  ask<T>(path: string, parameters?: Record<string, string>): Promise<T>
  stop(): Promise<void>
}

/**
 * Starts Prometheus with a configuration of ours, in which only the address of the target and the intervals are changed.
 * @param config Path of the configuration.
 * @param target Address and port to scrape.
 */
export async function startPrometheus(config: string, target: string): Promise<Prometheus> {
  const dir = await tempDir()
  const port = await freePort()
  const text = await readFile(config, 'utf8')
  const changed = text.replace('127.0.0.1:9100', target).replaceAll('15s', '1s')
    .replace('- alerts.yml', `- ${join(dirname(config), 'alerts.yml')}`)
  const file = join(dir.path, 'prometheus.yml')
  await writeFile(file, changed)
  const child = spawn('prometheus', [
    `--config.file=${file}`,
    `--storage.tsdb.path=${join(dir.path, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
  ], { stdio: ['ignore', 'ignore', 'pipe'] })
  const kill = () => void child.kill('SIGKILL')
  process.once('exit', kill)
  const ended = new Promise<void>((resolve) => {
    child.once('error', () => resolve())
    child.once('close', () => resolve())
  })
  const said: string[] = []
  await new Promise<void>((resolve, reject) => {
    createInterface({ input: child.stderr }).on('line', (line) => {
      said.push(line)
      if (line.includes('Server is ready to receive web requests')) resolve()
    })
    void ended.then(() => reject(new Error(`Prometheus did not start: ${said.slice(-5).join('\n')}`)))
  })
  return {
    async ask<T>(path: string, parameters: Record<string, string> = {}) {
      const response = await fetch(`http://127.0.0.1:${port}/api/v1/${path}?${new URLSearchParams(parameters)}`)
      const answer = await response.json() as { status: string; error?: string; data: T }
      if (answer.status !== 'success') throw new Error(`${JSON.stringify(parameters)}: ${answer.error}`)
      return answer.data
    },
    async stop() {
      child.kill('SIGTERM')
      await ended
      process.off('exit', kill)
      await dir.remove()
    },
  }
}
