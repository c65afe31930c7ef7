import assert from 'node:assert/strict'
import type { HostName } from '../../support/spawn_server.ts'
import { WireClient } from '../../support/wire_client.ts'
import { row, served } from './rows.ts'

const hi = { user: 'a', text: 'hi' }

/** Who may do what, asked before and again when it changes. */
export function policies(host: HostName): void {
  row(host, 'policies', (test) => {
    const server = served({ host, events: true })

    for (const kind of ['private', 'presence']) {
      test(`R3 a ${kind} room refuses everything without a grant`, async () => {
        const room = `${kind}-a`
        const client = await WireClient.open(server().port)
        client.send({ type: 'room.join', room, ref: 'join', payload: {} })
        client.send({ type: 'room.join', room, ref: 'replay', payload: { last: 5 } })
        client.send({ type: 'room.history', room, ref: 'history', payload: {} })
        client.send({ type: 'chat.message', room, ref: 'publish', payload: hi })
        client.send({ type: 'chat.typing', room, ref: 'typing', payload: { user: 'a' } })
        for (const ref of ['join', 'replay', 'history', 'publish', 'typing']) {
          const { code, message, retryable } = await client.errorOf(ref)
          assert.equal(code, 'forbidden')
          assert.match(message, new RegExp(`"${room}" is not allowed`))
          assert.equal(retryable, false)
        }
        const response = await fetch(`${server().url}/rooms/${room}/history`)
        assert.equal(response.status, 403)
        assert.equal((await response.json() as { payload: { code: string } }).payload.code, 'forbidden')
        await client.close()
      })
    }

    test('R3 a grant opens what it names and nothing else: read without write, one room and not its neighbour', async () => {
      const client = await WireClient.open(server().port)
      client.send('!grant private-team-* read')
      client.send({ type: 'room.join', room: 'private-team-1', ref: 'join', payload: { last: 5 } })
      await client.next({ type: 'room.joined', ref: 'join' })
      client.send({ type: 'room.history', room: 'private-team-1', ref: 'history', payload: {} })
      await client.next({ kind: 'reply', ref: 'history' })
      client.send({ type: 'chat.message', room: 'private-team-1', ref: 'publish', payload: hi })
      assert.equal((await client.errorOf('publish')).code, 'forbidden')
      client.send({ type: 'room.join', room: 'private-tea', ref: 'other', payload: {} })
      assert.equal((await client.errorOf('other')).code, 'forbidden')
      client.send('!grant private-team-1 write')
      client.send({ type: 'chat.message', room: 'private-team-1', ref: 'again', payload: hi })
      await client.next({ type: 'ack', ref: 'again' })
      await client.close()
    })

    test('R3 joining and replaying are granted apart', async () => {
      const client = await WireClient.open(server().port)
      client.send('!grant private-live join,publish')
      client.send({ type: 'room.join', room: 'private-live', ref: 'past', payload: { last: 1 } })
      assert.match((await client.errorOf('past')).message, /^Replaying/)
      client.send({ type: 'room.join', room: 'private-live', ref: 'now', payload: {} })
      await client.next({ type: 'room.joined', ref: 'now' })
      await client.close()
    })

    test('R3 a policy refuses by action: a room that may be read and not written', async () => {
      const client = await WireClient.open(server().port)
      client.send({ type: 'room.join', room: 'readonly-news', ref: 'join', payload: {} })
      await client.next({ type: 'room.joined', ref: 'join' })
      client.send({ type: 'chat.message', room: 'readonly-news', ref: 'publish', payload: hi })
      assert.equal((await client.errorOf('publish')).code, 'forbidden')
      await client.close()
    })

    test('X8 a revoked grant ends the membership: room.left with the reason, and nothing more is delivered', async () => {
      const [reader, writer] = [await WireClient.open(server().port), await WireClient.open(server().port)]
      reader.send('!grant private-secret read')
      writer.send('!grant private-secret write')
      reader.send({ type: 'room.join', room: 'private-secret', ref: 'join', payload: {} })
      await reader.next({ type: 'room.joined', ref: 'join' })
      writer.send({ type: 'chat.message', room: 'private-secret', ref: 'before', payload: hi })
      await writer.next({ type: 'ack', ref: 'before' })
      assert.equal((await reader.next({ type: 'chat.message' })).seq, 1)
      reader.send('!revoke private-secret')
      const left = await reader.next({ type: 'room.left', room: 'private-secret' })
      assert.equal((left.payload as { code: string }).code, 'forbidden')
      writer.send({ type: 'chat.message', room: 'private-secret', ref: 'after', payload: hi })
      await writer.next({ type: 'ack', ref: 'after' })
      for (const payload of [{}, { since: { epoch: 'any', seq: 0 } }]) {
        reader.send({ type: 'room.join', room: 'private-secret', ref: 'again', payload })
        assert.equal((await reader.errorOf('again')).code, 'forbidden')
      }
      await reader.ping()
      assert.deepEqual(reader.unread.filter(({ type }) => type === 'chat.message'), [])
      await Promise.all([reader.close(), writer.close()])
    })

    for (const room of ['fickle-1', 'late-1']) {
      test(`X8 a policy that changes its mind takes members out when asked again (${room})`, async () => {
        const client = await WireClient.open(server().port)
        client.send({ type: 'room.join', room, ref: 'join', payload: {} })
        await client.next({ type: 'room.joined', ref: 'join' })
        client.send({ type: 'room.join', room: 'open', ref: 'open', payload: {} })
        await client.next({ type: 'room.joined', ref: 'open' })
        await (await fetch(`${server().url}/forbid?room=${room}`)).text()
        const left = await client.next({ type: 'room.left' })
        assert.equal(left.room, room)
        client.send({ type: 'room.history', room, ref: 'history', payload: {} })
        assert.equal((await client.errorOf('history')).code, 'forbidden')
        client.send({ type: 'chat.message', room: 'open', ref: 'publish', payload: hi })
        await client.next({ type: 'ack', ref: 'publish' })
        await client.close()
      })
    }
  })
}
