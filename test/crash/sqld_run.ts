import assert from 'node:assert/strict'
import { Random } from '../support/random.ts'
import { type HostName, type SpawnedServer, spawnServer } from '../support/spawn_server.ts'
import { startSqld } from '../support/sqld.ts'
import { readDatabase } from './database.ts'
import { conclude, type Figures } from './report.ts'
import { Scene } from './scene.ts'
import { lastingPort, progress } from './settings.ts'

export interface SqldRunOptions {
  readonly host: HostName
  /** Whether the server uses the store for edge hosts. */
  readonly edge: boolean
  readonly rounds: number
  readonly seed: number
}

const MOST_ACKS = 400
/** Milliseconds after the last awaited ack within which the database is killed. */
const SOON = 12

/** Kills the database with -9 again and again under load, while the server stays up. */
export async function sqldRun({ host, edge, rounds, seed }: SqldRunOptions): Promise<Figures> {
  const name = `${host} with${edge ? ' edge store and' : ''} sqld`
  const random = new Random(seed)
  const sqld = await startSqld()
  const port = await lastingPort(random)
  const database = `http://${sqld.host}`
  const scene = new Scene(port, random.whole(0, 2 ** 32))
  const { ledger } = scene
  let server: SpawnedServer | undefined
  try {
    server = await spawnServer({ host, edge, port, database })
    for (let round = 1; round <= rounds; round++) {
      await scene.acknowledged(random.whole(1, MOST_ACKS))
      scene.act(round === 1 ? 1 : 0.4)
      await new Promise((resolve) => setTimeout(resolve, random.unit() * SOON))
      await sqld.kill()
      const { retries } = ledger
      if (random.chance(0.5)) scene.act(0.4)
      await ledger.when('a publisher is told that it may try again', () => ledger.retries > retries)
      await sqld.start()
      progress(`${name}, round ${round} of ${rounds}: ${ledger.acks} acknowledged, ${ledger.retries} told to retry`)
    }
    await scene.flush()
    assert.ok(server.isAlive(), 'the server did not stay up')
    await server.stop('SIGKILL')
    const content = await readDatabase(database)
    // Nobody knows what became of a batch that was not answered, so a later one can come before its retry.
    return await conclude({ name, seed, rounds, kills: rounds, scene, content, ordered: false })
  } catch (error) {
    const wrote = server?.stderr().slice(-2000)
    throw new Error(`${name}, CRASH_SEED=${seed}: ${error} The server wrote: ${wrote}`, { cause: error })
  } finally {
    scene.close()
    await server?.stop('SIGKILL')
    await sqld.stop()
  }
}
