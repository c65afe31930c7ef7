import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { flatbuffers } from '../../adapters/flatbuffers/mod.ts'
import { createHub, defineProtocol, event, memoryStore } from '../../src/mod.ts'
import { z } from 'zod'
import { jsonCodec } from '../../src/protocol/mod.ts'
import { MemoryHost, MemoryPeer } from '../support/memory_peer.ts'
import { WireClient } from '../support/wire_client.ts'
import { attack, RUNTIMES } from './attacked.ts'

const KEYS = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf', 'then', '__defineGetter__']
const INHERITED = Object.getOwnPropertyNames(Object.prototype).sort().join()

function assertClean(): void {
  assert.equal(Object.getOwnPropertyNames(Object.prototype).sort().join(), INHERITED)
  assert.equal(({} as { polluted?: unknown }).polluted, undefined)
  assert.equal(([] as { polluted?: unknown }).polluted, undefined)
}

/** Frames that are JSON, or nearly, and mean harm. */
const FRAMES: readonly [name: string, frame: string][] = [
  [
    'nesting of lists',
    `{"type":"chat.message","room":"r","ref":"x","payload":${'['.repeat(32_000)}${']'.repeat(32_000)}}`,
  ],
  [
    'nesting of objects',
    `{"type":"chat.message","room":"r","ref":"x","payload":${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}}`,
  ],
  ['nesting that is not closed', '['.repeat(65_000)],
  ['nesting outside of the payload', `{"type":"session.ping","x":${'['.repeat(30_000)}${']'.repeat(30_000)}}`],
  ['a list of 30,000', `{"type":"chat.message","room":"r","payload":[${'1,'.repeat(30_000)}1]}`],
  [
    '10,000 keys',
    `{"type":"chat.message","room":"r","payload":{${Array.from({ length: 5_000 }, (_, i) => `"k${i}":1`)}}}`,
  ],
  ['the same key 5,000 times', `{${'"type":"x",'.repeat(5_000)}"type":"session.ping"}`],
  ['a type twice', '{"type":"session.ping","type":"room.joined","ref":"x"}'],
  ['numbers beyond all', '{"type":"room.join","room":"r","ts":1e999,"seq":-1e999,"payload":{"last":1e999}}'],
  ['a number of 60,000 digits', `{"type":"chat.message","room":"r","payload":${'9'.repeat(60_000)}}`],
  ['a ref that is no finite number', '{"type":"session.ping","ref":1e999}'],
  ['a text of 60,000', `{"type":"chat.message","room":"r","payload":{"user":"a","text":"${'x'.repeat(60_000)}"}}`],
  ['60,000 escapes', `{"type":"${'\\u0000'.repeat(10_000)}"}`],
  [
    'half a surrogate pair',
    '{"type":"chat.message","room":"r","ref":"\\ud800","payload":{"user":"\\udc00","text":"\\ud83d"}}',
  ],
  [
    'a prototype in the payload',
    '{"type":"chat.message","room":"r","payload":{"__proto__":{"polluted":1},"user":"a","text":"b"}}',
  ],
  ['a prototype of the envelope', '{"__proto__":{"polluted":1},"type":"session.ping"}'],
  [
    'a constructor',
    '{"type":"chat.message","room":"r","payload":{"constructor":{"prototype":{"polluted":1}},"user":"a","text":"b"}}',
  ],
  ['an object that is awaited', '{"type":"chat.message","room":"r","payload":{"then":{},"user":"a","text":"b"}}'],
  ['base64 that is none', '{"type":"file.chunk","room":"r","encoding":"base64","payload":"????"}'],
  ['another encoding', '{"type":"file.chunk","room":"r","encoding":"__proto__","payload":"AAAA"}'],
  ...KEYS.flatMap((key): [string, string][] => [
    [`the type ${key}`, `{"type":"${key}","room":"r","ref":"x"}`],
    [`the room ${key}`, `{"type":"room.join","room":"${key}","ref":"x"}`],
    [`the key ${key}`, `{"type":"chat.message","room":"r","key":"${key}","payload":{"user":"a","text":"b"}}`],
    [`the ref ${key}`, `{"type":"session.ping","ref":"${key}"}`],
    [`the recipient ${key}`, `{"type":"chat.message","to":"${key}","payload":{"user":"a","text":"b"}}`],
    [`the error code ${key} in a reply`, `{"type":"error","kind":"reply","ref":"s1","payload":{"code":"${key}"}}`],
    [`the member ${key}`, `{"type":"presence.set","room":"r","payload":{"state":{"${key}":1},"member":"${key}"}}`],
    [`the epoch ${key}`, `{"type":"room.join","room":"r","payload":{"since":{"epoch":"${key}","seq":0}}}`],
  ]),
]

for (const host of RUNTIMES) {
  test(`${host}: ${FRAMES.length} frames of hostile JSON are answered in kind, and the session lives`, async () => {
    await attack({ host }, { memory: 120 }, async ({ server }) => {
      const client = await WireClient.open(server.port)
      for (const [name, frame] of FRAMES) {
        client.send(frame)
        await client.ping().catch((error) => assert.fail(`${name}: ${error}`))
      }
      for (const frame of client.frames) {
        if (!frame.startsWith('{"type":"error"')) continue
        assert.ok(frame.length < 1_000, `an answer of ${frame.length}: ${frame.slice(0, 200)}`)
        assert.doesNotMatch(frame, /\.ts:|node_modules|\/src\/|\/home|\\n *at |"internal"/, frame)
      }
      assert.equal(server.stderr(), '', 'bad input is no reason to log')
      await client.close()
    })
  })
}

describe('prototypes', () => {
  const lax = defineProtocol({ 'any.thing': event(z.any()), 'any.passing': event(z.any(), { durable: false }) })

  function connected(): {
    peer: MemoryPeer
    receive: (frame: string | Uint8Array) => void
    close: () => Promise<void>
  } {
    const hub = createHub({ protocol: lax, store: memoryStore(), codecs: [flatbuffers] })
    const peer = new MemoryPeer(new MemoryHost({ native: false }))
    peer.connection = hub.connect(peer, { subprotocol: 'rotunda.v1.json', metadata: {} })
    return { peer, receive: (frame) => peer.connection.receive(frame), close: () => hub.close() }
  }

  test('nothing that a client says reaches them, whatever a schema lets through', async () => {
    const { peer, receive, close } = connected()
    const settled = async (ref: string) => {
      receive(`{"type":"session.ping","ref":"end ${ref}"}`)
      const isThere = () => peer.frames.some((frame) => String(frame).includes(`"end ${ref}"`))
      while (!isThere()) await new Promise((resolve) => setTimeout(resolve, 1))
    }
    receive('{"type":"room.join","room":"r"}')
    for (const type of ['any.thing', 'any.passing']) {
      for (const key of KEYS) {
        receive(`{"type":"${type}","room":"r","payload":{"${key}":{"polluted":1,"prototype":{"polluted":1}}}}`)
        receive(`{"type":"${type}","room":"r","payload":[{"a":{"${key}":{"polluted":1}}}]}`)
      }
    }
    await settled('first')
    for (const [i, [, frame]] of FRAMES.entries()) {
      receive(frame)
      await settled(`${i}`)
    }
    await close()
    assertClean()
    assert.ok(peer.frames.length > 20)
    for (const frame of peer.frames) assert.doesNotMatch(String(frame), /"__proto__":/)
  })

  test('codecs take them for what they are, and refuse the one that careless code would trip over', () => {
    for (const [name, frame] of FRAMES) {
      for (const decoded of jsonCodec.decode(frame)) {
        assert.ok(decoded.envelope !== undefined || decoded.error.code.startsWith('invalid_'), name)
      }
    }
    for (const key of ['__proto__', '\\u005f_proto__', '__pr\\u006fto__', '\\u005F\\u005F\\u0070roto__']) {
      const [decoded] = jsonCodec.decode(`{"type":"any.thing","payload":{"a":[{"${key}":1}]}}`)
      assert.equal(decoded?.error?.code, 'invalid_frame', key)
    }
    assertClean()
  })

  test('binary frames with such texts, and random bytes in place of a frame, are refused or read', () => {
    for (const key of KEYS) {
      const payload = `{"${key}":{"polluted":1}}`
      const frame = flatbuffers.encode([{ type: 'any.thing', room: key, ref: key, key, payload }])
      const [decoded] = flatbuffers.decode(frame)
      if (key === '__proto__') assert.equal(decoded?.error?.code, 'invalid_frame')
      else assert.equal(decoded?.envelope?.room, key)
    }
    let state = 1
    const random = () => state = (state * 1_103_515_245 + 12_345) & 0x7fffffff
    for (let i = 0; i < 2_000; i++) {
      const bytes = Uint8Array.from({ length: random() % 200 }, () => random() >> 16)
      for (const { error, envelope } of flatbuffers.decode(bytes)) {
        assert.ok(error !== undefined || envelope !== undefined)
      }
    }
    assertClean()
  })
})
