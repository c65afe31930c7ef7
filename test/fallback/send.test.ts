import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { RotundaError } from '../../src/mod.ts'
import { ControlledStore } from '../support/controlled_store.ts'
import { fallbackHub } from '../support/fallback_hub.ts'
import { errorCode, sending } from '../support/http_client.ts'
import { note, range } from '../support/test_hub.ts'

describe('what is sent without a session', () => {
  test('is acknowledged in the answer, which means committed; again with its key it is the same message', async () => {
    const store = new ControlledStore()
    const { hub, ask } = fallbackHub({ store })
    store.hold()
    const sent = ask('/send', sending(note('hi', { ref: 'a', key: 'k' })))
    while (store.batches.length === 0) await new Promise((resolve) => setTimeout(resolve, 1))
    assert.deepEqual((await hub.room('r').history({})).messages, [])
    store.release()
    const response = await sent
    const acked = [{ type: 'ack', room: 'r', ref: 'a', payload: { id: '00000000000000000001', seq: 1 } }]
    assert.deepEqual([response.status, await response.json()], [200, acked])
    assert.deepEqual(await (await ask('/send', sending(note('hi', { ref: 'a', key: 'k' })))).json(), acked)
    assert.equal((await hub.room('r').history({})).head, 1)
    await hub.close()
  })

  test('may be a batch, of which each envelope with a ref has its answer', async () => {
    const { hub, ask } = fallbackHub()
    hub.on('note.count', () => ({ count: 3 }))
    const batch = [
      note('one', { ref: '1' }),
      { type: 'note.count', room: 'r', ref: '2', payload: {} },
      { type: 'note', room: 'r', ref: '3', payload: { text: 7 } },
      note('two'),
      { type: 'room.history', room: 'r', ref: '4', payload: { limit: 0 } },
      { type: 'session.ping', ref: 5 },
      note('three', { ref: '1' }),
    ]
    const response = await ask('/send', sending(batch))
    const answers = await response.json() as { type: string; ref: string; payload: Record<string, unknown> }[]
    assert.equal(response.status, 200)
    assert.deepEqual(answers.map(({ ref }) => ref).sort(), ['1', '1', '2', '3', '4', '5'])
    assert.deepEqual(answers.filter(({ type }) => type === 'ack').map(({ payload }) => payload['seq']), [1, 3])
    assert.equal(answers.find(({ ref }) => ref === '3')!.payload['code'], 'invalid_payload')
    assert.equal(hub.sessionCount, 0)
    await hub.close()
  })

  test('without any ref is queued for its room, or refused with the status of what was wrong', async () => {
    const { hub, ask } = fallbackHub()
    const response = await ask('/send', sending(note('hi')))
    assert.deepEqual([response.status, await response.json()], [202, { status: 'queued', session_id: 'room:r' }])
    const bad: [unknown, string][] = [
      [{ type: 'note', room: 'r', payload: {} }, '400 invalid_payload'],
      [{ type: 'nothing', room: 'r' }, '404 unknown_type'],
      [{ type: 'ack' }, '403 reserved_type'],
      [{ type: 'note', payload: { text: 'x' } }, '400 invalid_room'],
      [{ type: 'note', room: 'private-x', payload: { text: 'x' } }, '403 forbidden'],
      [{ type: 'note.count', room: 'r', payload: {} }, '400 invalid_frame'],
    ]
    for (const [body, code] of bad) assert.equal(await errorCode(await ask('/send', sending(body))), code)
    await hub.close()
  })

  test('is authorised like a connection, every time', async () => {
    const { hub, ask } = fallbackHub({
      metadata: ({ headers }) => {
        if (headers.get('cookie') === null) throw new RotundaError('unauthenticated', 'Who are you?')
        return { user: headers.get('cookie') }
      },
      authorize: (who, action) => action !== 'publish' || who.metadata['user'] === 'ada',
    })
    assert.equal(await errorCode(await ask('/send', sending(note('x')))), '401 unauthenticated')
    assert.equal(await errorCode(await ask('/send', sending(note('x'), { cookie: 'eve' }))), '403 forbidden')
    assert.equal((await ask('/send', sending(note('x'), { cookie: 'ada' }))).status, 202)
    await hub.close()
  })

  test('passes the same handlers as a connection: opened, seen raw, typed, closed', async () => {
    const { hub, ask } = fallbackHub()
    const seen: string[] = []
    hub.onOpen(async (session) => {
      seen.push('open')
      session.sendText('a greeting is no answer')
      await new Promise((resolve) => setTimeout(resolve, 5))
    })
    hub.onMessage((_, frame) => void seen.push(`raw ${String(frame).length > 0}`))
    hub.on('note', async (ctx, payload) => {
      seen.push('typed')
      await new Promise((resolve) => setTimeout(resolve, 5))
      await ctx.publish({ text: payload.text.toUpperCase() })
    })
    const closed = Promise.withResolvers<number>()
    hub.onClose((_, code) => closed.resolve(code))
    const answers = await (await ask('/send', sending(note('hi', { ref: '1' })))).json() as { type: string }[]
    assert.deepEqual(answers.map(({ type }) => type), ['ack'])
    assert.equal(await closed.promise, 1000)
    assert.deepEqual(seen, ['open', 'raw true', 'typed'])
    const { messages } = await hub.room('r').history({})
    assert.equal(messages[0]!.payload, '{"text":"HI"}')
    await hub.close()
  })

  test('is refused when an open handler refuses, or the server has its connections', async () => {
    const { hub, ask } = fallbackHub({ limits: { maxConnections: 1 } })
    hub.onOpen(() => {
      throw new RotundaError('forbidden', 'Not you.')
    })
    assert.equal(await errorCode(await ask('/send', sending(note('x', { ref: '1' })))), '403 forbidden')
    await hub.close()
    const full = fallbackHub({ limits: { maxConnections: 1 } })
    full.hub.onOpen(() => {})
    const stream = await full.ask('/sse')
    const response = await full.ask('/send', sending(note('x')))
    assert.equal(response.headers.get('retry-after'), '5')
    assert.equal(await errorCode(response), '503 connection_limit')
    await stream.body!.cancel()
    await full.hub.close()
  })

  test('whose store fails is answered with store_unavailable, to be sent again', async () => {
    const store = new ControlledStore()
    const { hub, ask } = fallbackHub({ store })
    hub.onError(() => {})
    store.fail = 'before'
    const [answer] = await (await ask('/send', sending(note('x', { ref: '1', key: 'k' })))).json() as {
      payload: { code: string; retryable: boolean }
    }[]
    assert.deepEqual([answer!.payload.code, answer!.payload.retryable], ['store_unavailable', true])
    await hub.close()
  })

  test('while the hub stops is answered or refused, never left', async () => {
    const store = new ControlledStore()
    const { hub, ask } = fallbackHub({ store })
    store.hold()
    const sent = ask('/send', sending(note('x', { ref: '1' })))
    while (store.batches.length === 0) await new Promise((resolve) => setTimeout(resolve, 1))
    const closing = hub.close()
    assert.equal(await errorCode(await ask('/send', sending(note('y', { ref: '2' })))), '503 shutting_down')
    store.release()
    assert.equal((await (await sent).json() as { type: string }[])[0]!.type, 'ack')
    await closing
  })

  test('by a handler that ends the session is answered as far as it was', async () => {
    const { hub, ask } = fallbackHub()
    hub.on('note', (ctx) => ctx.session.close(4000))
    assert.deepEqual(await (await ask('/send', sending(note('x', { ref: '1' })))).json(), [])
    await hub.close()
  })

  test('a thousand at once are each answered', async () => {
    const { hub, ask } = fallbackHub()
    const answers = await Promise.all(
      range(1, 1_000).map(async (n) => {
        const [ack] = await (await ask('/send', sending(note(String(n), { ref: String(n) })))).json() as {
          ref: string
          payload: { seq: number }
        }[]
        assert.equal(ack!.ref, String(n))
        return ack!.payload.seq
      }),
    )
    assert.deepEqual(answers.sort((a, b) => a - b), range(1, 1_000))
    assert.equal(hub.sessionCount, 0)
    await hub.close()
  })
})
