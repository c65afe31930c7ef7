import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createHub, type LogLevel, memoryStore } from '../../src/mod.ts'
import { ControlledStore } from '../support/controlled_store.ts'
import { connectPeer, MemoryHost } from '../support/memory_peer.ts'
import { note, notes } from '../support/test_hub.ts'

const SECRETS = ['the-text-of-a-note', 'the-token-of-ada', 'a-name-that-types']

function setUp(logLevel: LogLevel) {
  const lines: string[] = []
  const write = (level: string) => (...data: unknown[]) => void lines.push(`${level} ${data.map(said).join(' ')}`)
  const logger = { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') }
  const store = new ControlledStore(memoryStore())
  const quotas = [{ metric: 'messages', window: 60, limit: 8 }] as const
  const hub = createHub({ protocol: notes, logger, logLevel, store, quotas })
  return { hub, store, lines, peer: connectPeer(hub, new MemoryHost({ native: true })) }
}

/** As a console would show it. */
function said(value: unknown): string {
  return value instanceof Error ? `${value.stack} ${said(value.cause ?? '')}` : String(value)
}

/** All that can go wrong, with secrets in it. */
async function misuse({ hub, store, peer }: ReturnType<typeof setUp>): Promise<void> {
  const [text, token, user] = SECRETS
  hub.on('note.count', () => {
    throw new TypeError('the counter is broken')
  })
  peer.say({ ...note(text!, { ref: '1' }), token })
  peer.say({ type: 'note', room: 'r', ref: '2', token, payload: { text: 7, other: text } })
  peer.say({ type: 'typing', room: 'r', ref: '3', token, payload: { user } })
  peer.say({ type: 'note.count', room: 'r', ref: '4', token, payload: {} })
  peer.say({ type: 'unknown', room: 'private-r', ref: '5', token, payload: { text } })
  peer.say({ type: 'room.join', room: 'private-r', ref: '6', token, payload: {} })
  peer.connection.receive(`{"type":"note","payload":{"text":"${text}","token":"${token}"`)
  await peer.answer('6')
  store.fail = 'before'
  peer.say({ ...note(text!, { ref: '7' }), token })
  await peer.answer('7')
  store.fail = undefined
  for (const ref of ['8', '9', '10']) peer.say({ ...note(text!, { ref }), token })
  await peer.answer('10')
  peer.close(4002, 'too slow')
  await hub.close()
}

describe('logs', () => {
  test('M3 nothing of payloads and tokens is written, at any level, whatever goes wrong', async () => {
    const scene = setUp('debug')
    await misuse(scene)
    const written = scene.lines.join('\n')
    for (const secret of SECRETS) assert.ok(!written.includes(secret), `${secret} in:\n${written}`)
    for (
      const expected of [
        /^debug rotunda: session \S+ opened from 127\.0\.0\.1\.$/m,
        /^warn rotunda: session \S+: More than 8 messages in 60 s\.$/m,
        /^error rotunda: .*the counter is broken/m,
        /^error rotunda: .*disk full/m,
        /^warn rotunda: session \S+ ended with 4002\.$/m,
        /^info rotunda: closing, with \d sessions\.$/m,
        /^info rotunda: closed\.$/m,
      ]
    ) assert.match(written, expected)
  })

  for (const [level, levels] of [['info', 'info,warn,error'], ['error', 'error'], ['silent', '']] as const) {
    test(`from level ${level} on`, async () => {
      const scene = setUp(level)
      await misuse(scene)
      const written = new Set(scene.lines.map((line) => line.split(' ')[0]!))
      assert.deepEqual(written, new Set(levels.split(',').filter((name) => name !== '')))
    })
  }
})
