import { join } from 'node:path'
import type { Way } from '../support/hosts/ways.ts'
import { Random } from '../support/random.ts'
import { type HostName, type SpawnedServer, spawnServer } from '../support/spawn_server.ts'
import { tempDir } from '../support/temp_dir.ts'
import { checkGrowth, checkKnown } from './checker.ts'
import { type Content, readDatabase, readLeftFile } from './database.ts'
import { assertKept, conclude, type Figures } from './report.ts'
import { Scene } from './scene.ts'
import { lastingPort, progress } from './settings.ts'
import { openWay } from './weather.ts'

export interface CrashRunOptions {
  readonly host: HostName
  readonly rounds: number
  readonly seed: number
  /** How the clients come to it. */
  readonly way: Way
}

/** Most acks between a start of the server and its end. */
export const MOST_ACKS = 700
/** Milliseconds after the last awaited ack within which the server is killed. */
const SOON = 12

/** Kills a server with -9 again and again under load, and gives the figures. @throws with what promises it broke. */
export async function crashRun({ host, rounds, seed, way }: CrashRunOptions): Promise<Figures> {
  const random = new Random(seed)
  const dir = await tempDir()
  const path = join(dir.path, 'rotunda.db')
  const options = { host, port: await lastingPort(random), database: `file:${path}` }
  const sceneSeed = random.whole(0, 2 ** 32)
  const open = await openWay(way, options.port, random)
  const scene = new Scene(open.port, sceneSeed, open.use)
  const run = { name: `${host} over ${way}`, seed, scene }
  let before: Content = { rows: [], epoch: '' }
  let kills = 0
  let server: SpawnedServer | undefined

  /** With nobody writing, all that was told until now must be there, and what was there before unchanged. */
  async function lookAtWhatIsLeft(): Promise<void> {
    const { publishes, readings } = scene.ledger
    const left = await readLeftFile(path)
    const found = [...checkGrowth(before.rows, left.rows), ...checkKnown(publishes, readings, left.rows)]
    await assertKept(run, left, found.map((violation) => `${violation} (after kill ${kills})`))
    before = left
  }

  /** A server that is killed while it starts, perhaps while it repairs what the last one left. */
  async function killStarting(milliseconds: number): Promise<void> {
    await spawnServer(options, (child) => {
      const timer = setTimeout(() => child.kill('SIGKILL'), milliseconds)
      child.once('close', () => clearTimeout(timer))
    }).then((started) => started.stop('SIGKILL'), () => {})
    kills += 1
  }

  try {
    const started = performance.now()
    server = await spawnServer(options)
    const startTime = performance.now() - started
    for (let round = 1; round <= rounds; round++) {
      // The first round is a full one with everybody in it, so that even the shortest run proves something.
      const acks = round === 1 ? MOST_ACKS : random.chance(0.1) ? 0 : random.whole(1, MOST_ACKS)
      const first = random.whole(0, acks)
      await scene.acknowledged(first)
      scene.act(round === 1 ? 1 : 0.4)
      await scene.acknowledged(acks - first)
      await new Promise((resolve) => setTimeout(resolve, random.unit() * SOON))
      await server.stop('SIGKILL')
      kills += 1
      if (random.chance(0.3)) await lookAtWhatIsLeft()
      if (random.chance(0.3)) scene.act(0.4)
      if (random.chance(0.15)) await killStarting(random.unit() * startTime)
      server = await spawnServer(options)
      if (round % 5 === 0) progress(`${host}, round ${round} of ${rounds}: ${scene.ledger.acks} acknowledged`)
    }
    await scene.flush()
    await server.stop('SIGKILL')
    await lookAtWhatIsLeft()
    const content = await readDatabase(`file:${path}`)
    return await conclude({ ...run, rounds, kills, content, ordered: true })
  } catch (error) {
    if (server === undefined) throw error
    throw new Error(`${host}, CRASH_SEED=${seed}: ${error} The server wrote: ${server.stderr().slice(-2000)}`, {
      cause: error,
    })
  } finally {
    scene.close()
    await open.close()
    await server?.stop('SIGKILL')
    await dir.remove()
  }
}
