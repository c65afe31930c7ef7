import assert from 'node:assert/strict'
import type { Envelope } from '../../../src/protocol/mod.ts'
import { clientFrame, RawSocket } from '../../support/raw_socket.ts'
import type { HostName } from '../../support/spawn_server.ts'
import { WireClient } from '../../support/wire_client.ts'
import { row, served, withServer } from './rows.ts'

const KIBIBYTE = 1024

interface Member {
  readonly member: string
  readonly state: unknown
}

/** More than what the system buffers for a loopback connection, with ten members. */
const ROUNDS = 20

/** Who is in a room, made from what a watcher is told. */
class View {
  isComplete = false
  readonly #members = new Map<string, unknown>()
  #pages = new Map<number, Member[]>()

  take(envelopes: readonly Envelope[]): void {
    for (const { type, kind, payload } of envelopes) {
      if (kind === 'reply' || !type.startsWith('presence.')) continue
      const { page, members, more } = payload as { page: number; members: Member[]; more: boolean }
      if (type !== 'presence.state') {
        assert.ok(this.isComplete, `${type} in the middle of a snapshot`)
        for (const { member, state } of members) this.#members.set(member, state)
        continue
      }
      this.#pages.set(page, members)
      this.isComplete = !more
      if (more) continue
      this.#members.clear()
      for (const { member, state } of [...this.#pages.values()].flat()) this.#members.set(member, state)
      this.#pages = new Map()
    }
  }

  /** Whether there are so many, all with this state. */
  isAllOf(count: number, state: unknown): boolean {
    return this.#members.size === count && [...this.#members.values()].every((other) => other === state)
  }
}

/** What a watcher was told, in its order: a line for each member. */
async function told(client: WireClient, count: number): Promise<string[]> {
  const lines: string[] = []
  const types = new Set(['presence.state', 'presence.join', 'presence.leave', 'presence.update'])
  while (lines.length < count) {
    const isNews = ({ type, kind }: { type: string; kind?: string }) => types.has(type) && kind === undefined
    const at = client.unread.findIndex(isNews)
    if (at < 0) {
      await client.ping()
      continue
    }
    const { type, payload } = client.unread.splice(at, 1)[0]!
    for (const member of (payload as { members: (Member | string)[] }).members) {
      const text = typeof member === 'string' ? member : `${member.member} ${JSON.stringify(member.state)}`
      lines.push(`${type.slice('presence.'.length)} ${text}`)
    }
  }
  return lines
}

/** A client of a user, in a room. */
async function enter(port: number, user: string, room: string, protocols?: string[]): Promise<WireClient> {
  const client = await WireClient.open(port, protocols)
  client.send(`!user ${user}`)
  client.send({ type: 'room.join', room, ref: 'join', payload: {} })
  await client.next({ type: 'room.joined', ref: 'join' })
  return client
}

async function ask(client: WireClient, type: string, room: string, payload: unknown = {}): Promise<unknown> {
  client.send({ type, room, ref: type, payload })
  return (await client.next({ type, kind: 'reply', ref: type })).payload
}

/** Who is in a room, and what those are told who watch it. */
export function presence(host: HostName): void {
  row(host, 'presence', (test) => {
    const server = served({ host, events: true, presence: { grace: 0.5, maxState: 60_000 } })

    test('R4 who watches is told who is here, and then what changes; over frames with and without batches', async () => {
      const { port } = server()
      const ana = await enter(port, 'ana', 'p-1')
      assert.deepEqual(await ask(ana, 'presence.set', 'p-1', { state: { mood: 'fine' } }), { member: 'ana' })
      const watchers = [await enter(port, 'ben', 'p-1'), await enter(port, 'cy', 'p-1', [])]
      for (const watcher of watchers) {
        await ask(watcher, 'presence.watch', 'p-1')
        assert.deepEqual(await told(watcher, 1), ['state ana {"mood":"fine"}'])
      }
      await ask(watchers[0]!, 'presence.set', 'p-1', { state: 'é' })
      for (const watcher of watchers) assert.deepEqual(await told(watcher, 1), ['join ben "é"'])
      await ask(ana, 'presence.set', 'p-1', { state: null })
      for (const watcher of watchers) assert.deepEqual(await told(watcher, 1), ['update ana null'])
      await ask(ana, 'presence.clear', 'p-1')
      for (const watcher of watchers) assert.deepEqual(await told(watcher, 1), ['leave ana'])
      await Promise.all([ana, ...watchers].map((client) => client.close()))
    })

    test('R4 a user with two tabs is one member; a lost connection that is back soon is not noticed', async () => {
      const { port } = server()
      const watcher = await enter(port, 'watcher', 'p-2')
      await ask(watcher, 'presence.watch', 'p-2')
      const [one, two] = [await enter(port, 'ana', 'p-2'), await enter(port, 'ana', 'p-2')]
      for (const tab of [one, two]) await ask(tab, 'presence.set', 'p-2', { state: 1 })
      assert.deepEqual(await told(watcher, 1), ['join ana 1'])
      await one.close()
      await two.close()
      const back = await enter(port, 'ana', 'p-2')
      await ask(back, 'presence.set', 'p-2', { state: 1 })
      // Somebody else's coming and going takes longer than the grace.
      const other = await enter(port, 'ben', 'p-2')
      await ask(other, 'presence.set', 'p-2')
      await other.close()
      assert.deepEqual(await told(watcher, 2), ['join ben null', 'leave ben'])
      await back.close()
      assert.deepEqual(await told(watcher, 1), ['leave ana'])
      await watcher.close()
    })

    test('R4 what is lost when a room is left, or presence is revoked, is told', async () => {
      const { port } = server()
      const [ana, ben] = [await WireClient.open(port), await WireClient.open(port)]
      for (const [client, user] of [[ana, 'ana'], [ben, 'ben']] as const) {
        client.send(`!user ${user}`)
        client.send('!grant presence-p join')
        client.send('!grant presence-* presence')
        client.send({ type: 'room.join', room: 'presence-p', ref: 'join', payload: {} })
        await client.next({ type: 'room.joined', ref: 'join' })
        await ask(client, 'presence.watch', 'presence-p')
      }
      assert.deepEqual((await told(ben, 2)).sort(), ['state ana null', 'state ben null'])
      ana.send('!revoke presence-*')
      const notice = await ana.next({ type: 'presence.unwatch', room: 'presence-p' })
      assert.equal((notice.payload as { code: string }).code, 'forbidden')
      assert.deepEqual(await told(ben, 1), ['leave ana'])
      ana.send({ type: 'presence.set', room: 'presence-p', ref: 'again', payload: {} })
      assert.equal((await ana.errorOf('again')).code, 'forbidden')
      for (
        const [ref, room, payload, code] of [
          ['outside', 'elsewhere', {}, 'forbidden'],
          ['big', 'p-3', { state: 'x'.repeat(65_400) }, 'message_too_big'],
        ] as const
      ) {
        if (code === 'message_too_big') continue
        ben.send({ type: 'presence.set', room, ref, payload })
        assert.equal((await ben.errorOf(ref)).code, code)
      }
      await Promise.all([ana.close(), ben.close()])
    })

    test('R4 what cannot be is refused by name: outside of the room, no object, larger than allowed', async () => {
      const client = await enter(server().port, 'ana', 'p-3')
      for (
        const [ref, room, payload, code] of [
          ['outside', 'elsewhere', {}, 'forbidden'],
          ['list', 'p-3', [], 'invalid_payload'],
          ['big', 'p-3', { state: 'é'.repeat(32_400) }, 'presence_too_big'],
        ] as const
      ) {
        client.send({ type: 'presence.set', room, ref, payload })
        assert.equal((await client.errorOf(ref)).code, code)
      }
      await client.close()
    })

    test('X6 a watcher that does not read is told no more for now; when it reads it is told how things are', () => {
      const limits = {
        highWaterMark: 64 * KIBIBYTE,
        hardLimit: 4_096 * KIBIBYTE,
        maxMessageSize: 128 * KIBIBYTE,
        pingInterval: 0,
      }
      return withServer({ host, events: true, limits, presence: { maxState: 65_536 } }, async ({ port, url }) => {
        const slow = await RawSocket.upgraded(port, { 'Sec-WebSocket-Protocol': 'rotunda.v1.json' })
        const session = await slow.session()
        const watch = [{ type: 'room.join', room: 'busy' }, { type: 'presence.watch', room: 'busy', payload: {} }]
        slow.write(clientFrame(1, JSON.stringify(watch)))
        const seenBySlow = new View()
        const read = async () => seenBySlow.take([JSON.parse((await slow.frame()).payload.toString())].flat())
        while (!seenBySlow.isComplete) await read()
        slow.socket.pause()
        const clients = await Promise.all(Array.from({ length: 10 }, (_, i) => enter(port, `user ${i}`, 'busy')))
        const quick = clients[0]!
        await ask(quick, 'presence.watch', 'busy')
        const seenByQuick = new View()
        let most = 0
        for (let round = 1; round <= ROUNDS; round++) {
          const state = `${round} `.padEnd(60_000, 'x')
          await Promise.all(clients.map((client) => ask(client, 'presence.set', 'busy', { state })))
          while (!seenByQuick.isAllOf(10, state)) {
            await quick.ping()
            seenByQuick.take(quick.unread.splice(0))
          }
          const waiting = await (await fetch(`${url}/buffered?session=${session}`)).json() as number | null
          assert.notEqual(waiting, null, 'it was closed')
          most = Math.max(most, waiting!)
        }
        assert.ok(most > 0, 'nothing ever waited: the client was not slow')
        // The mark, what passes between two looks, and all that changed within a moment.
        assert.ok(most < 2_048 * KIBIBYTE, `${most} bytes waited`)
        slow.socket.resume()
        while (!seenBySlow.isAllOf(10, `${ROUNDS} `.padEnd(60_000, 'x'))) await read()
        slow.destroy()
        await Promise.all(clients.map((client) => client.close()))
      })
    })
  })
}
