import assert from 'node:assert/strict'
import process from 'node:process'
import { join } from 'node:path'
import test from 'node:test'
import { type SpawnedServer, spawnServer } from '../support/spawn_server.ts'
import { Random } from '../support/random.ts'
import { tempDir } from '../support/temp_dir.ts'
import { checkGrowth, checkKnown } from './checker.ts'
import { readDatabase, readLeftFile } from './database.ts'
import { conclude } from './report.ts'
import { Scene } from './scene.ts'
import { lastingPort, SEED, TESTED_HOSTS } from './settings.ts'

/** What a hub gives closing handshakes and handlers, in milliseconds; beyond that it ends at once. */
const GRACE = 7_000

/** Ends a server as `kill` does, and gives how long it took. Not with `child.kill`: Deno would say it died of that. */
async function terminate({ process: child }: SpawnedServer): Promise<{ code: number | null; milliseconds: number }> {
  const started = performance.now()
  const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)))
  process.kill(child.pid!, 'SIGTERM')
  return { code: await ended, milliseconds: performance.now() - started }
}

for (const host of TESTED_HOSTS) {
  for (const drain of [0, 1]) {
    const how = drain === 0 ? 'at once' : 'within their window'
    test(`SIGTERM under load on ${host}: exit 0, nothing lost, clients move ${how}`, { timeout: 120_000 }, async () => {
      const random = new Random(SEED)
      const dir = await tempDir()
      const path = join(dir.path, 'rotunda.db')
      const options = { host, drain, port: await lastingPort(random), database: `file:${path}` }
      const scene = new Scene(options.port, SEED)
      const { ledger, clients } = scene
      let server: SpawnedServer | undefined
      try {
        server = await spawnServer(options)
        await ledger.when('all clients are there', () => ledger.connects === 8)
        await scene.acknowledged(random.whole(200, 600))
        assert.ok(ledger.publishes.length > ledger.acks, 'there is no load')
        const { code, milliseconds } = await terminate(server)
        assert.equal(code, 0, server.stderr())
        assert.ok(milliseconds < GRACE + drain * 1000, `it took ${milliseconds} ms to stop`)
        const left = await readLeftFile(path)
        assert.deepEqual(checkKnown(ledger.publishes, ledger.readings, left.rows), [])

        const connects = ledger.connects
        server = await spawnServer(options)
        await ledger.when('all clients have moved', () => ledger.connects >= connects + 8)
        await scene.acknowledged(200)
        await scene.flush()
        await server.stop('SIGKILL')
        const content = await readDatabase(`file:${path}`)
        assert.deepEqual(checkGrowth(left.rows, content.rows), [])
        await conclude({
          name: `${host} drain ${drain}`,
          seed: SEED,
          rounds: 1,
          kills: 1,
          scene,
          content,
          ordered: true,
        })
        const moves = clients.moves.map(({ window, toldAt, leftAt = NaN }) => ({ window, after: leftAt - toldAt }))
        assert.equal(moves.length, 8 * drain)
        if (drain > 0) assertSpread(moves, drain * 1000)
      } finally {
        scene.close()
        await server?.stop('SIGKILL')
        await dir.remove()
      }
    })
  }
}

/** Clients leave on their own, each at another moment of the window. */
function assertSpread(moves: readonly { window: number; after: number }[], window: number): void {
  const told = JSON.stringify(moves)
  for (const move of moves) {
    assert.equal(move.window, window)
    // The client's own moment, or the end of the window, when the server closes what is left.
    assert.ok(move.after >= 0 && move.after < window + GRACE, told)
  }
  const moments = moves.map(({ after }) => after)
  // Eight random moments lie closer together than this in one of ten million runs.
  assert.ok(Math.max(...moments) - Math.min(...moments) > window / 16, `all left together: ${told}`)
}
