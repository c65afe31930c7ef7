import { spawn } from 'node:child_process'

/** Runs Prometheus' own tool, with something on its stdin; gives what it found wrong, and '' when that is nothing. */
export function promtool(parameters: readonly string[], input = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('promtool', parameters, { stdio: ['pipe', 'pipe', 'pipe'] })
    let said = ''
    child.stdout.on('data', (chunk) => said += chunk)
    child.stderr.on('data', (chunk) => said += chunk)
    child.once('error', (cause) => {
      reject(new Error('promtool cannot be run; scripts/install-debian.sh installs it.', { cause }))
    })
    // What it says of a success is of no interest, except that `check metrics` warns and succeeds.
    child.once('close', (code) => resolve(code === 0 && parameters[1] !== 'metrics' ? '' : said))
    child.stdin.once('error', () => {})
    child.stdin.end(input)
  })
}
