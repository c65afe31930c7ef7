/**
 * Holds rotunda against limits measured in the same run and prints one table: `bun run bench`, or
 * `bun run bench deno` for the rows whose name has that in it. `BENCH_BEFORE=../earlier bun run bench before` compares
 * with an earlier checkout. Rows that look for a few percent compare `BENCH_PAIRS` pairs of processes, 9 when absent.
 */
import { execFileSync } from 'node:child_process'
import { cpus } from 'node:os'
import process from 'node:process'
import { denoBinary } from '../test/support/spawn_server.ts'
import { median, type Row, Scene } from './row.ts'
import { beforeRows } from './rows/before.ts'
import { binaryBytes, binaryFanout, binaryText } from './rows/binary.ts'
import { denoDurableFanout, durableFanout } from './rows/durable_fanout.ts'
import { durablePublish } from './rows/durable_publish.ts'
import { denoEphemeralFanout, ephemeralFanout, honoEphemeralFanout } from './rows/ephemeral_fanout.ts'
import { hostile } from './rows/hostile.ts'
import { denoIdleConnection, idleConnection } from './rows/idle_connection.ts'
import { join } from './rows/join.ts'
import { lonePublish } from './rows/lone_publish.ts'
import { operatedFanout, operatedPublish } from './rows/operated.ts'
import { waitingPoll } from './rows/poll.ts'
import { presence } from './rows/presence.ts'
import { resume } from './rows/resume.ts'
import { streamFanout, streamLatency } from './rows/sse.ts'

const ROWS = [
  ephemeralFanout,
  durableFanout,
  durablePublish,
  lonePublish,
  idleConnection,
  resume,
  join,
  streamFanout,
  streamLatency,
  waitingPoll,
  presence,
  hostile,
  binaryBytes,
  binaryText,
  binaryFanout,
  operatedPublish,
  operatedFanout,
  denoEphemeralFanout,
  denoDurableFanout,
  denoIdleConnection,
  honoEphemeralFanout,
  ...beforeRows,
]

const letters = (text: string) => text.toLowerCase().replace(/[^a-z]/g, '')
const filter = letters(process.argv[2] ?? '')
const rows = ROWS.filter(({ name }) => letters(name).includes(filter))
if (rows.length === 0) {
  console.error(`No row is called ${process.argv[2]}; there are: ${ROWS.map(({ name }) => name).join(', ')}.`)
  process.exit(2)
}

const lines = [['work', 'rotunda', 'limit', 'against', 'ratio', 'required', '']]
const notes: string[] = []
let scene = new Scene()
process.on('SIGINT', () => void scene.end().finally(() => process.exit(130)))
for (const row of rows) {
  console.error(`${row.name} …`)
  scene = new Scene()
  try {
    lines.push(await line(row, scene))
  } finally {
    await scene.end()
  }
}

const processors = cpus()
const [deno = ''] = execFileSync(denoBinary(), ['-V'], { encoding: 'utf8' }).split('\n')
console.log(
  `${processors.length} × ${processors[0]?.model.trim()}, ${process.platform}, Bun ${Bun.version}, ${
    deno.replace('deno', 'Deno')
  }\n`,
)
print(lines)
if (notes.length > 0) console.log(`\n${notes.join('\n')}`)

async function line(row: Row, scene: Scene): Promise<string[]> {
  const { pairs, notes: said = [] } = await row.measure(scene)
  notes.push(...said.map((note) => `${row.name}: ${note}`))
  const ratio = median(pairs.map(({ product, limit }) => product / limit))
  const { required } = row
  const fits = 'atMost' in required ? ratio <= required.atMost : ratio >= required.atLeast
  return [
    row.work,
    shown(median(pairs.map(({ product }) => product)), row.unit),
    shown(median(pairs.map(({ limit }) => limit)), row.unit),
    row.against,
    ratio.toFixed(2),
    'atMost' in required ? `≤ ${required.atMost}` : `≥ ${required.atLeast}`,
    fits ? 'ok' : 'short',
  ]
}

function shown(value: number, unit: string): string {
  if (value >= 1e6) return `${(value / 1e6).toFixed(2)} M${unit}`
  if (value >= 1e3) return `${Math.round(value / 1e3)} k${unit}`
  return `${value.toFixed(value < 10 ? 3 : 1)} ${unit}`
}

function print(table: string[][]): void {
  const widths = table[0]!.map((_, column) => Math.max(...table.map((cells) => cells[column]!.length)))
  const [head = [], ...body] = table.map((cells) =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |`
  )
  console.log([head, `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...body].join('\n'))
}
