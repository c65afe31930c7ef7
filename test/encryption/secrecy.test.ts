import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import type { ChildProcess } from 'node:child_process'
import { describe, test } from 'node:test'
import { encryption, generateKey, roomKeys } from '../../src/client/encryption/mod.ts'
import { spawnServer } from '../support/spawn_server.ts'
import { tempDir } from '../support/temp_dir.ts'
import { once, withClientsOf } from '../support/with_client.ts'
import { type Member, startMember } from './support/start_member.ts'
import { contentOf, tracesOf } from './support/traces.ts'
import { startWireTap } from './support/wire_tap.ts'

const BASE64 = ['raw', 'base64 from 0', 'base64url from 0']

describe('a search for what is secret', () => {
  test('finds it in all the forms that it claims to know', () => {
    const secret = 'meet me at the old mill'
    const noise = (text: string) => Buffer.from(`xx${text}yy`)
    assert.deepEqual(tracesOf(secret, noise(secret)), ['raw'])
    assert.deepEqual(tracesOf(secret, noise(Buffer.from(secret).toString('hex'))), ['hex'])
    assert.deepEqual(tracesOf(secret, Buffer.from(`x${secret}`, 'utf16le')), ['UTF-16'])
    for (const before of ['', 'a', 'ab', 'abc']) {
      const within = noise(Buffer.from(`${before}${secret}?`).toString('base64'))
      const form = `base64 from ${before.length % 3}`
      assert.ok(tracesOf(secret, within).includes(form), form)
    }
    const key = generateKey()
    assert.deepEqual(
      tracesOf(Buffer.from(key, 'base64'), noise(key.replace(/\+/g, '-').replace(/\//g, '_'))).at(-1),
      BASE64[2],
    )
    assert.deepEqual(tracesOf(secret, noise('nothing of it')), [])
  })
})

for (const [host, runtime] of [['bun', 'deno'], ['deno', 'bun']] as const) {
  describe(`on ${host}, between a member here and one on ${runtime}`, () => {
    test('neither database, wire nor output has a text or a key, and all is legible again after kill -9', {
      timeout: 60_000,
    }, async () => {
      const keys = { k1: generateKey(), k2: generateKey() }
      const dir = await tempDir()
      const options = { host, database: `file:${dir.path}/rotunda.db`, encrypted: ['secret-*'] }
      const outputs: Buffer[] = []
      const listen = (child: ChildProcess) => {
        for (const output of [child.stdout, child.stderr]) output?.on('data', (chunk: Buffer) => outputs.push(chunk))
      }
      const server = await spawnServer(options, listen)
      const tap = await startWireTap(server.port)
      const sealed: string[] = []
      let member: Member | undefined
      try {
        await withClientsOf(server, async ({ connect }) => {
          const own = roomKeys({ current: 'k1', keys })
          const client = connect({ url: tap.url })
          client.onMessage((frame) => {
            for (const [, ct] of String(frame).matchAll(/"ct":"([^"]+)"/g)) sealed.push(ct!)
          })
          const room = client.join('secret-1', { last: 100, cipher: encryption(own) })
          const typed = once((told: (user: string) => void) => room.on('chat.typing', (m) => told(m.payload.user)))
          const heard = once((told: (text: string) => void) => room.on('chat.message', (m) => told(m.payload.text)))
          await once((told: () => void) => room.onJoined(told))
          // After that: what is not stored is heard by who is there.
          const says = ['the parcel is with the florist']
          member = startMember(runtime, {
            url: tap.url,
            room: 'secret-1',
            user: 'Benedetta',
            current: 'k1',
            keys,
            says,
            until: 3,
          })
          assert.deepEqual([await typed, await heard], [['Benedetta'], ['the parcel is with the florist']])
          room.publish('chat.typing', { user: 'Anastasia' })
          await room.publish('chat.message', { user: 'Anastasia', text: 'meet me at the old mill' })
          own.rotate('k2')
          await room.publish('chat.message', { user: 'Anastasia', text: 'bring nobody along' })

          // For comparison, and so that errors have something to quote.
          const open = connect({ url: tap.url }).join('open')
          await open.publish('chat.message', { user: 'Cleopatra', text: 'the weather is fine today' })
          const wrong = connect({ url: tap.url }).join('secret-1')
          const refused = { code: 'plaintext_refused' }
          await assert.rejects(
            wrong.publish('chat.message', { user: 'Dorothea', text: 'I forgot the cipher' }),
            refused,
          )
        })
        const lines = await member!.ended
        assert.deepEqual(lines.filter((line) => line !== 'typing Benedetta'), [
          '1 Benedetta: the parcel is with the florist',
          'typing Anastasia',
          '2 Anastasia: meet me at the old mill',
          '3 Anastasia: bring nobody along',
        ])
        await server.stop('SIGKILL')

        const files = await contentOf(dir.path)
        assert.ok(files.names.includes('rotunda.db-wal'), `${files.names}`)
        const output = Buffer.concat(outputs)
        const places = { files: files.bytes, toServer: tap.toServer(), toClients: tap.toClients(), output }
        const secrets = [
          ...[
            'Benedetta',
            'the parcel is with the florist',
            'Anastasia',
            'meet me at the old mill',
            'bring nobody along',
          ],
          ...Object.values(keys),
          ...Object.values(keys).map((key) => Buffer.from(key, 'base64')),
        ]
        for (const secret of secrets) {
          for (const [place, bytes] of Object.entries(places)) assert.deepEqual(tracesOf(secret, bytes), [], place)
        }
        // Not found because it is encrypted, and not because it was looked for in the wrong place.
        const texts = new Set(sealed)
        assert.equal(texts.size, 5)
        for (const ct of texts) {
          assert.deepEqual(tracesOf(ct, places.toServer), ['raw'])
          assert.deepEqual(tracesOf(ct, places.toClients), ['raw'])
        }
        assert.equal([...texts].filter((ct) => tracesOf(ct, places.files).length > 0).length, 3)
        for (const place of ['files', 'toServer'] as const) {
          assert.deepEqual(tracesOf('the weather is fine today', places[place]), ['raw'])
        }
        assert.deepEqual(tracesOf('I forgot the cipher', places.toServer), ['raw'])
        for (const place of ['files', 'toClients', 'output'] as const) {
          assert.deepEqual(tracesOf('I forgot the cipher', places[place]), [], place)
        }
        assert.match(output.toString(), /ready \d+/)

        const again = await spawnServer(options)
        try {
          await withClientsOf(again, async ({ connect }) => {
            const room = connect().join('secret-1', { cipher: encryption(roomKeys({ current: 'k2', keys })) })
            const texts: string[] = []
            for await (const { seq, payload } of room.history({ limit: 2 })) texts.push(`${seq} ${payload.text}`)
            assert.deepEqual(texts, [
              '3 bring nobody along',
              '2 meet me at the old mill',
              '1 the parcel is with the florist',
            ])
          })
        } finally {
          await again.stop('SIGKILL')
        }
      } finally {
        member?.kill()
        await tap.stop()
        await server.stop('SIGKILL')
        await dir.remove()
      }
    })
  })
}
