import assert from 'node:assert/strict'
import type { HostName } from '../../support/spawn_server.ts'
import { WireClient } from '../../support/wire_client.ts'
import { row, served } from './rows.ts'

const typing = { type: 'chat.typing', payload: { user: 'ada' } }
const base64 = (...bytes: number[]) => btoa(String.fromCharCode(...bytes))

/** What passes the rooms by: messages to one session or to all, and opcodes. */
export function directMessages(host: HostName): void {
  row(host, 'direct', (test) => {
    const server = served({ host, events: true })

    test('R2 sending to a session and to everybody needs a grant', async () => {
      const client = await WireClient.open(server().port)
      const session = await client.session()
      for (const to of [session, '*']) {
        client.send({ ...typing, to, ref: to })
        assert.equal((await client.errorOf(to)).code, 'forbidden')
      }
      await client.close()
    })

    test('S3 what is sent to a session reaches it alone, with the sender named; the ack says that it did', async () => {
      const [from, to, other] = await Promise.all([1, 2, 3].map(() => WireClient.open(server().port)))
      const [sender, receiver] = [await from!.session(), await to!.session()]
      from!.send('!grant * send')
      from!.send({ ...typing, to: receiver, ref: 'direct', from: 'somebody else' })
      assert.deepEqual((await from!.next({ type: 'ack', ref: 'direct' })).payload, {})
      const { ts, ...got } = await to!.next({ type: 'chat.typing' })
      assert.deepEqual(got, { ...typing, to: receiver, from: sender })
      assert.ok(Number.isInteger(ts))
      from!.send({ ...typing, to: 'nobody', ref: 'nobody' })
      assert.equal((await from!.errorOf('nobody')).code, 'not_found')
      from!.send({ ...typing, to: receiver, room: 'africa', ref: 'both' })
      assert.equal((await from!.errorOf('both')).code, 'invalid_frame')
      await other!.ping()
      assert.ok(!other!.unread.some(({ type }) => type === 'chat.typing'))
      await Promise.all([from!.close(), to!.close(), other!.close()])
    })

    test('R2 what is sent to everybody reaches every session, in no room too', async () => {
      const [from, to] = await Promise.all([1, 2].map(() => WireClient.open(server().port)))
      from!.send('!grant * broadcast')
      from!.send({ ...typing, to: '*', ref: 'all' })
      await from!.next({ type: 'ack', ref: 'all' })
      for (const client of [from!, to!]) assert.equal((await client.next({ type: 'chat.typing' })).to, '*')
      await Promise.all([from!.close(), to!.close()])
    })

    test('P6 whoami answers the session, its node and its rooms', async () => {
      const client = await WireClient.open(server().port)
      const session = await client.session()
      client.send({ type: 'room.join', room: 'africa', payload: {} })
      client.send({ type: 'session.whoami', ref: 'who' })
      const { payload, kind } = await client.next({ type: 'session.whoami', ref: 'who' })
      const { node, connectedAt, ...rest } = payload as Record<string, unknown>
      assert.deepEqual({ ...rest, kind }, { session, rooms: ['africa'], kind: 'reply' })
      assert.ok(typeof node === 'string' && Number.isInteger(connectedAt))
      await client.close()
    })

    test('P6 a custom opcode gets bytes and answers bytes; one that returns nothing answers empty', async () => {
      const client = await WireClient.open(server().port)
      const body = { encoding: 'base64', payload: base64(1, 2, 255) }
      client.send({ type: 'opcode.200', ref: 'bytes', ...body })
      const answer = await client.next({ type: 'opcode.200', ref: 'bytes' }) as unknown as Record<string, unknown>
      assert.deepEqual(answer, {
        type: 'opcode.200',
        kind: 'reply',
        ref: 'bytes',
        encoding: 'base64',
        payload: base64(255, 2, 1),
      })
      client.send({ type: 'opcode.201', ref: 'empty', ...body })
      assert.equal((await client.next({ type: 'opcode.201', ref: 'empty' })).payload, '')
      await client.close()
    })

    test('P6 an opcode that nobody handles, or whose handler throws, is an error without internals', async () => {
      const client = await WireClient.open(server().port)
      for (
        const [type, code] of [
          ['opcode.203', 'unknown_type'],
          ['opcode.65536', 'unknown_type'],
          ['opcode.7', 'unknown_type'],
          ['opcode.202', 'internal'],
        ] as const
      ) {
        client.send({ type, ref: type, payload: {} })
        const error = await client.errorOf(type)
        assert.equal(error.code, code)
        assert.doesNotMatch(error.message, /fixture|\.ts/)
      }
      await client.close()
    })
  })
}
