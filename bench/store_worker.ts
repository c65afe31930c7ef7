// Is a libSQL file better worked on in this thread or in workers? `bun bench/store_worker.ts`, `deno run -A bench/store_worker.ts`
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient } from '@libsql/client/sqlite3'
import { libsqlStore } from '../adapters/libsql/mod.ts'
import type { AppendMessage, MessageStore } from '../src/storage/mod.ts'

const BATCH = 500
const ROWS = 100_000
const PAGES = [500, 1000]
const payload = JSON.stringify({ user: 'Gaspard', text: 'Hello from a room that loses nothing. '.repeat(2) })

let made = 0
function messages(count: number, keyed: boolean): AppendMessage[] {
  return Array.from({ length: count }, () => ({
    room: `room-${made % 10}`,
    kind: 'event',
    type: 'chat.message',
    from: 'gaspard',
    key: keyed ? `producer-1:${made++}` : (made++, null),
    ts: 1_760_000_000_000,
    payload,
  }))
}

function tick(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

// How late 1 ms timers are while `work` runs.
async function loopDelay<T>(work: () => Promise<T>): Promise<{ value: T; p99: number; max: number }> {
  const delays: number[] = []
  let last = performance.now()
  const timer = setInterval(() => {
    const now = performance.now()
    delays.push(Math.max(0, now - last - 1))
    last = now
  }, 1)
  const value = await work()
  await tick()
  clearInterval(timer)
  delays.sort((a, b) => a - b)
  return { value, p99: delays[Math.floor(delays.length * 0.99)] ?? 0, max: delays.at(-1) ?? 0 }
}

async function saturate(store: MessageStore, keyed: boolean, total: number): Promise<number> {
  const batches = Array.from({ length: total / BATCH }, () => messages(BATCH, keyed))
  const start = performance.now()
  for (const batch of batches) {
    await store.append(batch)
    await tick()
  }
  return total / (performance.now() - start) * 1000
}

async function lone(store: MessageStore, rounds: number): Promise<number[]> {
  const times: number[] = []
  for (let i = 0; i < rounds; i++) {
    const one = messages(1, true)
    const start = performance.now()
    await store.append(one)
    times.push(performance.now() - start)
    await tick()
  }
  return times.sort((a, b) => a - b)
}

async function resume(store: MessageStore, page: number): Promise<number> {
  const start = performance.now()
  let after = 0
  for (;;) {
    const got = await store.replayRoom('big', after, page)
    if (got.length === 0) break
    after = got.at(-1)!.seq
    await tick()
  }
  return after / (performance.now() - start) * 1000
}

const dir = await mkdtemp(join(tmpdir(), 'rotunda-bench-'))
const rows: Record<string, Record<string, string>> = {}
try {
  for (const worker of [false, true]) {
    const url = `file:${join(dir, `${worker}.db`)}`
    const store = await libsqlStore({ url, worker })
    const out: Record<string, string> = rows[worker ? 'worker' : 'in thread'] = {}
    for (const keyed of [false, true]) {
      await saturate(store, keyed, 5000)
      const { value, p99, max } = await loopDelay(() => saturate(store, keyed, 100_000))
      const name = keyed ? 'append, keys' : 'append'
      out[`${name}: messages/s`] = value.toFixed(0)
      out[`${name}: loop delay p99 / max ms`] = `${p99.toFixed(1)} / ${max.toFixed(1)}`
    }
    await lone(store, 100)
    const times = await lone(store, 500)
    out['one append: median / p99 ms'] = `${times[250]!.toFixed(3)} / ${times[495]!.toFixed(3)}`
    for (let i = 0; i < ROWS; i += 1000) {
      await store.append(messages(1000, false).map((message) => ({ ...message, room: 'big' })))
    }
    for (const page of PAGES) {
      await resume(store, page)
      const { value, p99, max } = await loopDelay(() => resume(store, page))
      out[`resume, pages of ${page}: rows/s`] = value.toFixed(0)
      out[`resume, pages of ${page}: loop delay p99 / max ms`] = `${p99.toFixed(1)} / ${max.toFixed(1)}`
    }
    await store.close()
    const client = createClient({ url })
    const select =
      "SELECT id, seq, kind, type, sender, ts, payload_json FROM ws_messages WHERE room = 'big' ORDER BY seq"
    await client.execute(select)
    const start = performance.now()
    const { rows: plain } = await client.execute(select)
    out['plain SELECT through the client: rows/s'] = (plain.length / (performance.now() - start) * 1000).toFixed(0)
    client.close()
  }
} finally {
  await rm(dir, { recursive: true })
}
const [inThread = {}, inWorker = {}] = Object.values(rows)
for (const name of Object.keys(inThread)) {
  console.log(name.padEnd(46), `in thread ${inThread[name]}`.padEnd(28), `worker ${inWorker[name]}`)
}
