import { Buffer } from 'node:buffer'
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { clientFrame, RawSocket } from '../support/raw_socket.ts'
import { type SpawnedServer, spawnServer } from '../support/spawn_server.ts'
import { WireClient } from '../support/wire_client.ts'

const hi = { user: 'a', text: 'hi' }

describe('bad input over a real socket', () => {
  let server: SpawnedServer
  let epoch = ''
  before(async () => {
    server = await spawnServer({ seed: { room: 'africa', messages: 5, trimmed: 0 } })
    const health = await (await fetch(`${server.url}/health`)).json() as { epoch: string }
    epoch = health.epoch
  })
  after(async () => {
    assert.ok(server.isAlive(), server.stderr())
    await server.stop()
    assert.equal(server.stderr(), '', 'bad input is no reason to log')
  })

  /** Sends a frame, expects an error, and that the session lives. */
  async function refused(frame: unknown, code: string, says: RegExp, ref?: string): Promise<void> {
    const client = await WireClient.open(server.port)
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

  const cases: [name: string, frame: unknown, code: string, says: RegExp][] = [
    ['not JSON', 'hello', 'invalid_json', /"hello" is not JSON/],
    ['an empty frame', '', 'invalid_json', /is not JSON/],
    ['bytes', new Uint8Array([0, 255, 1]), 'invalid_frame', /binary/],
    ['JSON of the wrong shape', '[[]]', 'invalid_frame', /must be a JSON object/],
    ['a number', '42', 'invalid_frame', /must be a JSON object/],
    ['an empty batch', '[]', 'invalid_frame', /1 to 512 envelopes, not 0/],
    ['a batch of 513', `[${Array(513).fill('{"type":"session.ping"}')}]`, 'invalid_frame', /not 513/],
    ['no type', { payload: {} }, 'invalid_frame', /"type" must be/],
    ['a type that is a number', { type: 7 }, 'invalid_frame', /"type" must be/],
    ['a room that is a number', { type: 'chat.message', room: 7, payload: hi }, 'invalid_frame', /"room" must be/],
    ['a ref that is an object', { type: 'session.ping', ref: {} }, 'invalid_frame', /"ref" must be/],
    [
      'nesting',
      `{"type":"chat.message","room":"africa","payload":${'['.repeat(30_000)}${']'.repeat(30_000)}}`,
      'invalid_payload',
      /^payload: /,
    ],
  ]
  for (const [name, frame, code, says] of cases) {
    test(`${name}: ${code}, and the session lives`, () => refused(frame, code, says))
  }

  const requests: [name: string, envelope: Record<string, unknown>, code: string, says: RegExp][] = [
    ['an unknown type', { type: 'chat.massage', room: 'africa' }, 'unknown_type', /"chat.massage"/],
    ['the type constructor', { type: 'constructor', room: 'africa' }, 'unknown_type', /"constructor"/],
    ['the type __proto__', { type: '__proto__', room: 'africa' }, 'unknown_type', /"__proto__"/],
    ['a malformed type', { type: 'a b\n', room: 'africa' }, 'unknown_type', /"a b\\n"/],
    ['a huge type', { type: 'x'.repeat(10_000) }, 'unknown_type', /^.{0,200}$/],
    ['a reserved type', { type: 'room.joined', room: 'africa' }, 'reserved_type', /"room.joined"/],
    ['a forged ack', { type: 'ack', payload: { id: '1', seq: 1 } }, 'reserved_type', /"ack"/],
    ['a reserved prefix', { type: 'rotunda.x' }, 'reserved_type', /"rotunda.x"/],
    [
      'a wrong field',
      { type: 'chat.message', room: 'africa', payload: { user: 'a', text: 1 } },
      'invalid_payload',
      /^payload\.text: /,
    ],
    [
      'a missing field',
      { type: 'chat.message', room: 'africa', payload: { text: 'x' } },
      'invalid_payload',
      /^payload\.user: /,
    ],
    ['a payload null', { type: 'chat.message', room: 'africa', payload: null }, 'invalid_payload', /^payload: /],
    ['no payload', { type: 'chat.message', room: 'africa' }, 'invalid_payload', /^payload\.user: /],
    [
      'a wrong ephemeral payload',
      { type: 'chat.typing', room: 'africa', payload: { user: 1 } },
      'invalid_payload',
      /^payload\.user: /,
    ],
    ['a wrong request payload', { type: 'chat.stats', room: 'africa', payload: 1 }, 'invalid_payload', /^payload: /],
    ['no room', { type: 'chat.message', payload: hi }, 'invalid_room', /must name its room/],
    [
      'an ephemeral event without room',
      { type: 'chat.typing', payload: { user: 'a' } },
      'invalid_room',
      /must name its room/,
    ],
    ['a request without its room', { type: 'chat.stats', payload: {} }, 'invalid_room', /must name its room/],
    ['a join without room', { type: 'room.join' }, 'invalid_room', /must be a string/],
    ['an empty room name', { type: 'room.join', room: '' }, 'invalid_room', /must not be empty/],
    [
      'an empty room name to publish to',
      { type: 'chat.message', room: '', payload: hi },
      'invalid_room',
      /must not be empty/,
    ],
    ['a room name of 129', { type: 'room.join', room: 'x'.repeat(129) }, 'invalid_room', /longer than 128/],
    [
      'a room name with control characters',
      { type: 'room.join', room: 'a\u0007' },
      'invalid_room',
      /control characters/,
    ],
    ['leaving such a room', { type: 'room.leave', room: 'a\u0007' }, 'invalid_room', /control characters/],
    ['a room name with half a pair', { type: 'room.join', room: 'a\ud800' }, 'invalid_room', /broken Unicode/],
    ['an empty key', { type: 'chat.message', room: 'africa', key: '', payload: hi }, 'invalid_key', /Producer key ""/],
    [
      'a key of 129',
      { type: 'chat.message', room: 'africa', key: 'k'.repeat(129), payload: hi },
      'invalid_key',
      /1 to 128/,
    ],
    [
      'a key with half a pair',
      { type: 'chat.message', room: 'africa', key: '\ud800', payload: hi },
      'invalid_key',
      /1 to 128/,
    ],
    [
      'since that is no cursor',
      { type: 'room.join', room: 'africa', payload: { since: 12 } },
      'invalid_cursor',
      /payload\.since/,
    ],
    ['since null', { type: 'room.join', room: 'africa', payload: { since: null } }, 'invalid_cursor', /payload\.since/],
    [
      'since below 0',
      { type: 'room.join', room: 'africa', payload: { since: { epoch: 'e', seq: -1 } } },
      'invalid_cursor',
      /from 0/,
    ],
    [
      'since with a fraction',
      { type: 'room.join', room: 'africa', payload: { since: { epoch: 'e', seq: 1.5 } } },
      'invalid_cursor',
      /whole/,
    ],
    [
      'since and last',
      { type: 'room.join', room: 'africa', payload: { since: { epoch: 'e', seq: 1 }, last: 1 } },
      'invalid_cursor',
      /exclude/,
    ],
    [
      'last below 0',
      { type: 'room.join', room: 'africa', payload: { last: -1 } },
      'invalid_limit',
      /payload\.last is "-1"/,
    ],
    ['last huge', { type: 'room.join', room: 'africa', payload: { last: 10_001 } }, 'invalid_limit', /0 to 10000/],
    [
      'a join payload that is a list',
      { type: 'room.join', room: 'africa', payload: [] },
      'invalid_payload',
      /must be an object/,
    ],
    [
      'limit below 0',
      { type: 'room.history', room: 'africa', payload: { limit: -1 } },
      'invalid_limit',
      /payload\.limit is "-1"/,
    ],
    ['limit 201', { type: 'room.history', room: 'africa', payload: { limit: 201 } }, 'invalid_limit', /0 to 200/],
    ['limit huge', { type: 'room.history', room: 'africa', payload: { limit: 1e308 } }, 'invalid_limit', /0 to 200/],
    [
      'limit with a fraction',
      { type: 'room.history', room: 'africa', payload: { limit: 0.5 } },
      'invalid_limit',
      /whole/,
    ],
    ['limit as text', { type: 'room.history', room: 'africa', payload: { limit: '5' } }, 'invalid_limit', /whole/],
    [
      'before that is no id',
      { type: 'room.history', room: 'africa', payload: { before: '5' } },
      'invalid_cursor',
      /20 digits/,
    ],
    ['after below 0', { type: 'room.history', room: 'africa', payload: { after: -5 } }, 'invalid_cursor', /from 0/],
    [
      'before and after',
      { type: 'room.history', room: 'africa', payload: { before: '0'.repeat(20), after: 1 } },
      'invalid_cursor',
      /exclude/,
    ],
    ['history of a bad room', { type: 'room.history', room: '', payload: {} }, 'invalid_room', /empty/],
  ]
  for (const [name, envelope, code, says] of requests) {
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
      const client = await WireClient.open(server.port)
      client.send({ type: 'chat.message', room: 'africa', ref: 'n', payload: {} })
      assert.equal((await client.errorOf('n')).code, 'invalid_payload')
      await client.close()
    })
  }

  test('limit 0 is an empty page', async () => {
    const client = await WireClient.open(server.port)
    client.send({ type: 'room.history', room: 'africa', ref: 'h', payload: { limit: 0 } })
    const { payload } = await client.next({ kind: 'reply', ref: 'h' })
    assert.deepEqual((payload as { messages: unknown[] }).messages, [])
    await client.close()
  })

  test('since beyond the head: a gap cursor_ahead, then what is new', async () => {
    const client = await WireClient.open(server.port)
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
    const client = await WireClient.open(server.port)
    client.send({ type: 'room.join', room: 'africa', ref: 'j', payload: { since: { epoch: 'another', seq: 3 } } })
    await client.next({ type: 'room.joined', ref: 'j' })
    const gap = (await client.next({ type: 'room.gap' })).payload as Record<string, unknown>
    assert.deepEqual({ ...gap, message: '' }, { code: 'epoch_changed', message: '', missed: null, cursor: 0, epoch })
    for (const seq of [1, 2, 3, 4, 5]) assert.equal((await client.next({ type: 'chat.message' })).seq, seq)
    await client.close()
  })

  test('100 frames in a row that are not understood: too_many_errors and 1008; one good frame between counts anew', async () => {
    const client = await WireClient.open(server.port)
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
    const client = await WireClient.open(server.port)
    for (let i = 0; i < 300; i++) client.send({ type: 'chat.message', room: 'africa', ref: `${i}`, payload: {} })
    for (let i = 0; i < 300; i++) assert.equal((await client.errorOf(`${i}`)).code, 'invalid_payload')
    await client.ping()
    await client.close()
  })

  test('an oversized frame: 1009; one of exactly the limit is read', async () => {
    const client = await WireClient.open(server.port)
    const ping = JSON.stringify({ type: 'session.ping', ref: 'fits' })
    client.send(ping.padEnd(65_536))
    await client.next({ type: 'session.pong', ref: 'fits' })
    client.send(ping.padEnd(65_537))
    assert.equal((await client.closed).code, 1009)
  })

  test('an oversized frame is refused by its head, before its content is sent', async () => {
    const raw = await RawSocket.upgraded(server.port)
    raw.write(new Uint8Array([0x81, 0xff, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 1, 2, 3, 4]))
    assert.equal(await raw.closeCode(), 1009)
    raw.destroy()
  })

  test('an oversized message in fragments: 1009', async () => {
    const raw = await RawSocket.upgraded(server.port)
    raw.write(clientFrame(1, 'x'.repeat(40_000), { fin: false }))
    raw.write(clientFrame(0, 'x'.repeat(40_000)))
    assert.equal(await raw.closeCode(), 1009)
    raw.destroy()
  })

  const broken: [name: string, code: number, bytes: Uint8Array][] = [
    ['text that is not UTF-8', 1007, clientFrame(1, new Uint8Array([0x22, 0xc3, 0x28, 0x22]))],
    ['text with half a surrogate pair in UTF-8', 1007, clientFrame(1, new Uint8Array([0xed, 0xa0, 0x80]))],
    ['a frame that is not masked', 1002, clientFrame(1, '{"type":"session.ping"}', { masked: false })],
    ['a reserved bit', 1002, new Uint8Array([0xc1, 0x80, 1, 2, 3, 4])],
    ['an unknown opcode', 1002, clientFrame(3, 'x')],
    ['an unknown control opcode', 1002, clientFrame(11, 'x')],
    ['a continuation of nothing', 1002, clientFrame(0, 'x')],
    ['a ping in fragments', 1002, clientFrame(9, 'x', { fin: false })],
    ['a ping of 126 bytes', 1002, clientFrame(9, 'x'.repeat(126))],
    ['a message within a message', 1002, Buffer.concat([clientFrame(1, 'x', { fin: false }), clientFrame(1, 'x')])],
  ]
  for (const [name, code, bytes] of broken) {
    test(`${name}: ${code}, and the process lives`, async () => {
      const raw = await RawSocket.upgraded(server.port)
      raw.write(bytes)
      assert.equal(await raw.closeCode(), code)
      raw.destroy()
      const client = await WireClient.open(server.port)
      await client.ping()
      await client.close()
    })
  }

  test('a close with a code that must not be sent is answered, and the process lives', async () => {
    for (const code of [0, 999, 1005, 1006, 1015, 5000]) {
      const raw = await RawSocket.upgraded(server.port)
      raw.write(clientFrame(8, new Uint8Array([code >> 8, code & 255])))
      await raw.closeCode()
      raw.destroy()
    }
  })

  test('a connection that breaks in the middle of a frame leaves nothing behind', async () => {
    const witness = await WireClient.open(server.port)
    const raw = await RawSocket.upgraded(server.port)
    raw.write(clientFrame(1, JSON.stringify({ type: 'room.join', room: 'broken', ref: 'j' })))
    await raw.frame()
    await raw.frame()
    raw.write(clientFrame(1, 'x'.repeat(1000)).subarray(0, 500))
    raw.destroy()
    let members = 1
    for (let i = 0; members !== 0; i++) {
      witness.send({ type: 'chat.stats', room: 'broken', ref: `s${i}`, payload: {} })
      members = ((await witness.next({ ref: `s${i}` })).payload as { members: number }).members
    }
    await witness.close()
  })
})
