import assert from 'node:assert/strict'
import { freePort } from '../../support/free_port.ts'
import { openWay, SEED, type Way, WAYS } from '../../support/hosts/ways.ts'
import { Random } from '../../support/random.ts'
import { type HostName, type RoomServerOptions, spawnServer } from '../../support/spawn_server.ts'
import { tempDir } from '../../support/temp_dir.ts'
import { signed } from '../../support/tokens.ts'
import { range, says, Transcript } from '../../support/with_client.ts'
import { LOG } from './promises/log.ts'
import type { Promised } from './promises/promise.ts'
import { SESSION } from './promises/session.ts'
import { row, served } from './rows.ts'

const OPTIONS: RoomServerOptions = {
  events: true,
  encrypted: ['secret-*'],
  auth: { secret: signed.secret, anonymous: true },
  // Longer than any change of transports, however busy the machine.
  presence: { grace: 20 },
}

/** What is promised, over each transport and over random switches between them. */
export function transports(host: HostName): void {
  row(host, 'transports', (test) => {
    const server = served({ host, ...OPTIONS })

    async function check([promise, holds]: Promised, name: Way, number: number): Promise<void> {
      const way = await openWay(name, server().port, new Random(SEED + number))
      const beside = await openWay('websocket', server().port, new Random(SEED))
      const obey = async (session: string, command: string) => {
        const response = await fetch(`${server().url}/obey?${new URLSearchParams({ session, command })}`)
        assert.equal(await response.text(), 'handled', promise)
      }
      try {
        await holds({ ...way, server: server(), beside, room: `${name}-${number}`, obey })
      } catch (error) {
        throw new Error(`With ROTUNDA_SEED=${SEED}: ${error}`, { cause: error })
      } finally {
        await Promise.all([way.close(), beside.close()])
      }
    }

    for (const [number, promised] of [...LOG, ...SESSION].entries()) {
      for (const way of WAYS) test(`${promised[0]} (${way})`, () => check(promised, way, number))
    }

    test('L4 clients of every transport see one order, also over a server that drains and the next one', async () => {
      const dir = await tempDir()
      const options = { host, port: await freePort(), drain: 0.2, database: `file:${dir.path}/rotunda.db` }
      let current = await spawnServer(options)
      const random = new Random(SEED)
      const ways = await Promise.all(WAYS.map((way) => openWay(way, options.port, random)))
      try {
        const heard = ways.map(({ connect }) => new Transcript(connect().client.join('all', { last: 0 })))
        const writers = ways.map(({ name, connect }) => ({ name, room: connect().client.join('all') }))
        let isOver = false
        let count = 0
        const work = Promise.all(writers.map(async ({ name, room }) => {
          for (let n = 1; !isOver; n += 3) {
            count += 3
            await Promise.all(range(n, n + 2).map((m) => room.publish('chat.message', says(`${name} ${m}`))))
          }
        }))
        // It ends with the clients where something else has failed.
        work.catch(() => {})
        const all = (more: number) => {
          const wanted = count + more
          return Promise.all(heard.map((transcript) => transcript.has(wanted)))
        }
        await all(30)
        await Promise.all(ways.map((way) => way.turn()))
        await all(30)
        await current.stop()
        assert.equal(current.stderr(), '')
        current = await spawnServer(options)
        await all(60)
        isOver = true
        await work
        await all(0)
        for (const { seqs, texts } of heard) {
          assert.deepEqual(seqs, range(1, count))
          assert.deepEqual(texts, heard[0]!.texts)
        }
        for (const { name } of writers) {
          const said = heard[0]!.texts.filter((text) => text.startsWith(name))
          assert.deepEqual(said, range(1, said.length).map((n) => `${name} ${n}`))
        }
      } finally {
        await Promise.all(ways.map((way) => way.close()))
        await current.stop()
        await dir.remove()
      }
    })
  })
}
