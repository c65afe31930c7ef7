import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { after, before, describe, test } from 'node:test'
import type { Envelope } from '../../src/protocol/mod.ts'
import { type Exposition, scrape, scrapeUntil } from '../support/exposition.ts'
import { promtool } from '../support/promtool.ts'
import { clientFrame, handshake, RawSocket } from '../support/raw_socket.ts'
import { HOSTS, type SpawnedServer, spawnServer } from '../support/spawn_server.ts'
import { WireClient } from '../support/wire_client.ts'

const KIBIBYTE = 1024
const MESSAGES = 25

for (const host of HOSTS) {
  describe(`metrics of a real server on ${host} (M1)`, { timeout: 60_000 }, () => {
    let server: SpawnedServer

    before(async () => {
      const limits = { highWaterMark: 64 * KIBIBYTE, hardLimit: 256 * KIBIBYTE, maxErrors: 10_000, pingInterval: 0 }
      const seed = { room: 'old', messages: 100, trimmed: 10 }
      server = await spawnServer({ host, metrics: true, events: true, limits, seed })
    })
    after(() => server.stop())

    const nobodyLeft = () => scrapeUntil(server.url, (scraped) => scraped.value('rotunda_sessions') === 0)

    test('what clients send and get is what is counted, to the frame and the byte', async () => {
      const rises = risesFrom(await scrape(server.url))
      const [one, two] = [await WireClient.open(server.port), await WireClient.open(server.port)]
      const sent: string[] = []
      const say = (client: WireClient, envelope: object) => {
        sent.push(JSON.stringify(envelope))
        client.send(sent.at(-1))
      }
      for (const client of [one, two]) {
        say(client, { type: 'room.join', room: 'africa', ref: 'j' })
        await client.next({ type: 'room.joined', ref: 'j' })
      }
      const message = (n: number) => {
        const payload = { user: 'Gaspard', text: `Hällo ${n}` }
        return { type: 'chat.message', room: 'africa', ref: `${n}`, key: `k:${n}`, payload }
      }
      for (let n = 1; n <= MESSAGES; n++) say(one, message(n))
      for (let n = 1; n <= MESSAGES; n++) await one.next({ type: 'ack', ref: `${n}` })
      for (let seq = 1; seq <= MESSAGES; seq++) await two.next({ type: 'chat.message', seq })
      say(one, { ...message(1), ref: 'again' })
      await one.next({ type: 'ack', ref: 'again' })
      say(two, { type: 'chat.message', room: 'africa', ref: 'wrong', payload: { user: 'x' } })
      assert.equal((await two.errorOf('wrong')).code, 'invalid_payload')
      for (const client of [one, two]) {
        say(client, { type: 'session.ping', ref: 'last' })
        await client.next({ type: 'session.pong', ref: 'last' })
      }
      assert.equal((await scrape(server.url)).value('rotunda_rooms'), 1)
      await one.close(1000)
      await two.close(1000)

      const scraped = await nobodyLeft()
      const rose = rises(scraped)
      assert.equal(rose('rotunda_connections_total'), 2)
      assert.equal(rose('rotunda_closes_total', { code: '1000' }), 2)
      assert.equal(rose('rotunda_frames_in_total'), sent.length)
      assert.equal(rose('rotunda_messages_in_total'), sent.length)
      assert.equal(rose('rotunda_bytes_in_total'), bytesOf(sent))
      const received = [...one.frames, ...two.frames]
      assert.equal(rose('rotunda_frames_out_total'), received.length)
      assert.equal(
        rose('rotunda_messages_out_total'),
        received.flatMap((frame): Envelope[] => JSON.parse(frame)).length,
      )
      assert.equal(rose('rotunda_bytes_out_total'), bytesOf(received))
      assert.equal(rose('rotunda_errors_total', { code: 'invalid_payload' }), 1)

      assert.equal(rose('rotunda_stored_messages_total'), MESSAGES)
      assert.equal(rose('rotunda_repeated_messages_total'), 1)
      assert.equal(rose('rotunda_commit_messages_sum'), MESSAGES + 1)
      const commits = rose('rotunda_commits_total')
      assert.ok(commits >= 2 && commits <= MESSAGES + 1, `${commits}`)
      for (const name of ['commit_seconds', 'commit_messages', 'delivery_seconds']) {
        assert.equal(rose(`rotunda_${name}_count`), commits)
        assert.equal(rose(`rotunda_${name}_bucket`, { le: '+Inf' }), commits)
        assert.ok(rose(`rotunda_${name}_sum`) > 0, name)
      }
      assert.ok(rose('rotunda_delivery_seconds_sum') >= rose('rotunda_commit_seconds_sum'))
      assert.equal(scraped.value('rotunda_handling_seconds_count', { type: 'chat.message' }), MESSAGES + 2)
      assert.equal(scraped.value('rotunda_handling_failures_total', { type: 'chat.message' }), 1)
      const [rooms, waiting] = [scraped.value('rotunda_rooms'), scraped.value('rotunda_journal_messages')]
      assert.deepEqual([rooms, waiting, scraped.value('rotunda_gaps_total')], [0, 0, 0])
    })

    test('who comes back is a resume, what it reads a catch-up, and what was removed a gap', async () => {
      const rises = risesFrom(await scrape(server.url))
      const client = await WireClient.open(server.port)
      const { payload } = await client.next({ type: 'session.welcome' })
      const { epoch } = payload as { epoch: string }
      client.send({ type: 'room.join', room: 'old', ref: 'j', payload: { since: { epoch, seq: 0 } } })
      await client.next({ type: 'room.gap' })
      await client.next({ type: 'chat.message', seq: 100 })
      await client.close()
      const rose = rises(await nobodyLeft())
      assert.equal(rose('rotunda_resumes_total'), 1)
      assert.equal(rose('rotunda_catch_ups_total'), 1)
      assert.equal(rose('rotunda_gaps_total'), 1)
      assert.equal(rose('rotunda_fell_behind_total'), 0)
    })

    test('who reads too slowly falls behind, and at last is closed', async () => {
      const rises = risesFrom(await scrape(server.url))
      const slow = await RawSocket.upgraded(server.port, { 'Sec-WebSocket-Protocol': 'rotunda.v1.json' })
      await slow.session()
      slow.write(clientFrame(1, JSON.stringify({ type: 'room.join', room: 'busy', ref: 'j' })))
      await slow.frame()
      slow.socket.pause()
      const other = await WireClient.open(server.port)
      const text = 'x'.repeat(4_000)
      const behind = (scraped: Exposition) => rises(scraped)('rotunda_fell_behind_total') > 0
      // As much as the system takes for a client that does not read, and no more.
      for (let round = 0; round < 400 && !behind(await scrape(server.url)); round++) {
        other.send(Array.from({ length: 15 }, () => {
          return { type: 'chat.message', room: 'busy', payload: { user: 'other', text } }
        }))
        await other.ping()
      }
      assert.equal(rises(await scrapeUntil(server.url, behind))('rotunda_fell_behind_total'), 1)

      slow.write(clientFrame(1, '!fill 1000 60000'))
      const isClosing = (scraped: Exposition) => rises(scraped)('rotunda_errors_total', { code: 'slow_consumer' }) > 0
      await scrapeUntil(server.url, isClosing)
      // Deno waits for seconds for who does not answer the close frame.
      slow.destroy()
      const isClosed = (scraped: Exposition) => rises(scraped)('rotunda_closes_total', { code: '4002' }) > 0
      const rose = rises(await scrapeUntil(server.url, isClosed))
      assert.equal(rose('rotunda_closes_total', { code: '4002' }), 1)
      assert.equal(rose('rotunda_errors_total', { code: 'slow_consumer' }), 1)
      await other.close()
      await nobodyLeft()
    })

    test('who is refused over HTTP is counted by the reason', async () => {
      const rises = risesFrom(await scrape(server.url))
      assert.equal((await fetch(`${server.url}/ws`)).status, 400)
      assert.equal((await fetch(`${server.url}/rooms/africa/history?limit=x`)).status, 400)
      assert.equal((await fetch(`${server.url}/rooms/africa/history`, { method: 'POST' })).status, 405)
      const foreign = await RawSocket.open(server.port)
      foreign.write(handshake({ Origin: 'http://evil.example' }))
      assert.equal((await foreign.response()).status, 403)
      foreign.destroy()
      const rose = rises(await scrape(server.url))
      const codes = ['invalid_handshake', 'invalid_limit', 'method_not_allowed', 'forbidden']
      assert.deepEqual(codes.map((code) => rose('rotunda_errors_total', { code })), [1, 1, 1, 1])
      assert.equal(rose('rotunda_errors_total'), 4)
    })

    test('hostile clients add no series', async () => {
      const all = (scraped: Exposition) => scraped.series.map(({ name, labels }) => `${name} ${JSON.stringify(labels)}`)
      const known = await WireClient.open(server.port)
      known.send({ type: 'made up' })
      await known.next({ type: 'error' })
      known.send({ type: 'room.leave', room: 'nowhere', ref: 'l' })
      await known.next({ ref: 'l' })
      await known.close()
      const before = all(await nobodyLeft())
      for (let i = 0; i < 10; i++) {
        const client = await WireClient.open(server.port)
        for (let n = 0; n < 50; n++) {
          client.send({ type: ['t', 'opcode.', 'room.', '"\n\\'][n % 4] + String(1_000 * i + n) })
        }
        client.send({ type: 'error', kind: 'reply', ref: 'nobody', payload: { code: `code${i}`, message: '' } })
        client.send({ type: 'room.leave', room: `room ${i}`, ref: 'l' })
        await client.next({ ref: 'l' })
        await client.close(4_900 + i, `reason ${i}`)
      }
      const scraped = await nobodyLeft()
      assert.deepEqual(all(scraped), before)
      assert.equal(scraped.value('rotunda_closes_total', { code: 'other' }), 10)
      assert.equal(scraped.value('rotunda_replies_dropped_total'), 10)
    })

    test('promtool finds nothing wrong', async () => {
      const text = await (await fetch(`${server.url}/metrics`)).text()
      assert.equal(await promtool(['check', 'metrics'], text), '')
    })
  })
}

/** Gives what tells by how much a series rose since one scrape when it is given another. */
function risesFrom(first: Exposition) {
  const total = (scraped: Exposition, name: string, labels?: Record<string, string>) => {
    const values = scraped.values(name, labels)
    assert.ok(values.length > 0, `there is no ${name} ${JSON.stringify(labels)}`)
    return values.reduce((sum, value) => sum + value, 0)
  }
  return (later: Exposition) => (name: string, labels?: Record<string, string>) => {
    return total(later, name, labels) - total(first, name, labels)
  }
}

function bytesOf(frames: readonly string[]): number {
  return frames.reduce((bytes, frame) => bytes + Buffer.byteLength(frame), 0)
}
