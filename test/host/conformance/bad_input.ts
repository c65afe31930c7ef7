import assert from 'node:assert/strict'
import type { HostName } from '../../support/spawn_server.ts'
import { WireClient } from '../../support/wire_client.ts'
import { BAD_ENVELOPES, BAD_FRAMES } from './bad_envelopes.ts'
import { row, served } from './rows.ts'

const hi = { user: 'a', text: 'hi' }

/** What a client says wrongly in frames that are right: answered by name, and no reason to end the session. */
export function badInput(host: HostName): void {
  row(host, 'bad', (test) => {
    const server = served({ host, seed: { room: 'africa', messages: 5, trimmed: 0 } })
    const epochOf = async () => (await (await fetch(`${server().url}/health`)).json() as { epoch: string }).epoch

    /** Sends a frame, expects an error, and that the session lives. */
    async function refused(frame: unknown, code: string, says: RegExp, ref?: string): Promise<void> {
      const client = await WireClient.open(server().port)
      client.send(frame)
      const answer = await client.next({ type: 'error' })
      const payload = answer.payload as { code: string; message: string; retryable: boolean }
      assert.equal(payload.code, code, JSON.stringify(answer))
      assert.match(payload.message, says)
      assert.equal(payload.retryable, false)
      assert.equal(answer.ref, ref)
      assert.doesNotMatch(JSON.stringify(answer), /\.ts:|node_modules|\\n *at /, 'no stack trace')
      await client.ping()
      await client.close()
    }

    for (const [name, frame, code, says] of BAD_FRAMES) {
      test(`${name}: ${code}, and the session lives`, () => refused(frame, code, says))
    }
    for (const [name, envelope, code, says] of BAD_ENVELOPES) {
      test(`${name}: ${code}, and the session lives`, () => refused({ ...envelope, ref: 'r' }, code, says, 'r'))
    }

    test('a request without ref: invalid_frame', () => {
      return refused({ type: 'chat.stats', room: 'africa', payload: {} }, 'invalid_frame', /needs a "ref"/)
    })

    for (const key of ['__proto__', '\\u005f_proto__']) {
      test(`a key ${key}: invalid_frame, and nothing is polluted`, async () => {
        const frame =
          `{"type":"chat.message","room":"africa","ref":"r","payload":{"user":"a","text":"x","${key}":{"text":1}}}`
        await refused(frame, 'invalid_frame', /__proto__/, 'r')
        const client = await WireClient.open(server().port)
        client.send({ type: 'chat.message', room: 'africa', ref: 'n', payload: {} })
        assert.equal((await client.errorOf('n')).code, 'invalid_payload')
        await client.close()
      })
    }

    test('limit 0 is an empty page', async () => {
      const client = await WireClient.open(server().port)
      client.send({ type: 'room.history', room: 'africa', ref: 'h', payload: { limit: 0 } })
      const { payload } = await client.next({ kind: 'reply', ref: 'h' })
      assert.deepEqual((payload as { messages: unknown[] }).messages, [])
      await client.close()
    })

    test('since beyond the head: a gap cursor_ahead, then what is new', async () => {
      const epoch = await epochOf()
      const client = await WireClient.open(server().port)
      const room = 'ahead'
      client.send({ type: 'room.join', room, ref: 'j', payload: { since: { epoch, seq: 999 } } })
      assert.deepEqual((await client.next({ ref: 'j' })).payload, { head: 0, epoch, cursor: 0 })
      const gap = (await client.next({ type: 'room.gap', room })).payload as Record<string, unknown>
      assert.match(gap['message'] as string, /ends at 0, before the cursor 999/)
      assert.deepEqual({ ...gap, message: '' }, { code: 'cursor_ahead', message: '', missed: null, cursor: 0, epoch })
      client.send({ type: 'chat.message', room, payload: hi })
      assert.equal((await client.next({ type: 'chat.message', room })).seq, 1)
      await client.close()
    })

    test('since from another epoch: a gap epoch_changed, then all there is', async () => {
      const epoch = await epochOf()
      const client = await WireClient.open(server().port)
      client.send({ type: 'room.join', room: 'africa', ref: 'j', payload: { since: { epoch: 'another', seq: 3 } } })
      await client.next({ type: 'room.joined', ref: 'j' })
      const gap = (await client.next({ type: 'room.gap' })).payload as Record<string, unknown>
      assert.deepEqual({ ...gap, message: '' }, { code: 'epoch_changed', message: '', missed: null, cursor: 0, epoch })
      for (const seq of [1, 2, 3, 4, 5]) assert.equal((await client.next({ type: 'chat.message' })).seq, seq)
      await client.close()
    })

    test('100 frames in a row that are not understood: too_many_errors and 1008; one good frame between counts anew', async () => {
      const client = await WireClient.open(server().port)
      for (let round = 0; round < 3; round++) {
        for (let i = 0; i < 99; i++) client.send(i % 2 === 0 ? 'junk' : { type: 'no.such.type' })
        await client.ping()
      }
      for (let i = 0; i < 100; i++) client.send(i % 2 === 0 ? 'junk' : { type: 'no.such.type' })
      assert.equal((await client.closed).code, 1008)
      const last = client.unread.at(-1)?.payload as { code: string }
      assert.equal(last.code, 'too_many_errors')
    })

    test('payloads that fail their schema are understood and never end a session', async () => {
      const client = await WireClient.open(server().port)
      for (let i = 0; i < 300; i++) client.send({ type: 'chat.message', room: 'africa', ref: `${i}`, payload: {} })
      for (let i = 0; i < 300; i++) assert.equal((await client.errorOf(`${i}`)).code, 'invalid_payload')
      await client.ping()
      await client.close()
    })

    test('after all of which the process lives and has logged nothing', () => {
      assert.ok(server().isAlive())
      assert.equal(server().stderr(), '', 'bad input is no reason to log')
    })
  })
}
