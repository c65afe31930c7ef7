import assert from 'node:assert/strict'
import type { HostName } from '../../support/spawn_server.ts'
import { tempDir } from '../../support/temp_dir.ts'
import { WireClient } from '../../support/wire_client.ts'
import { row, withServer } from './rows.ts'

const EVERY_BYTE = Uint8Array.from({ length: 256 }, (_, value) => value)
const base64 = (bytes: Uint8Array) => btoa(String.fromCharCode(...bytes))
const chunk = (bytes: Uint8Array, more: object) => ({
  type: 'file.chunk',
  room: 'files',
  encoding: 'base64',
  payload: base64(bytes),
  ...more,
})

/** Payloads that are bytes: live, replayed, in the history, after a restart. */
export function bytePayloads(host: HostName): void {
  row(host, 'bytes', (test) => {
    test('P6 bytes come back as they were: live, from the log, in the history, after kill -9', async () => {
      const dir = await tempDir()
      const database = `file:${dir.path}/rotunda.db`
      const sent = [EVERY_BYTE, new Uint8Array(0), new TextEncoder().encode('{"json":1}')]
      try {
        await withServer({ host, database }, async (server) => {
          const client = await WireClient.open(server.port)
          client.send({ type: 'room.join', room: 'files', ref: 'join', payload: {} })
          await client.next({ type: 'room.joined', ref: 'join' })
          for (const [i, bytes] of sent.entries()) client.send(chunk(bytes, { ref: `${i}`, key: `k${i}` }))
          for (const i of sent.keys()) await client.next({ type: 'ack', ref: `${i}` })
          for (const [i, bytes] of sent.entries()) {
            const { seq, payload, ...rest } = await client.next({ type: 'file.chunk' })
            assert.deepEqual({ seq, payload }, { seq: i + 1, payload: base64(bytes) })
            assert.equal((rest as { encoding?: string }).encoding, 'base64')
          }
          client.send(chunk(EVERY_BYTE, { ref: 'repeat', key: 'k0' }))
          assert.equal(((await client.next({ ref: 'repeat' })).payload as { seq: number }).seq, 1)
        })
        await withServer({ host, database }, async (server) => {
          const client = await WireClient.open(server.port)
          client.send({ type: 'room.join', room: 'files', ref: 'join', payload: { last: 10 } })
          await client.next({ type: 'room.joined', ref: 'join' })
          for (const bytes of sent) assert.equal((await client.next({ type: 'file.chunk' })).payload, base64(bytes))
          const response = await fetch(`${server.url}/rooms/files/history`)
          const { messages } = await response.json() as { messages: { payload: string; encoding: string }[] }
          assert.deepEqual(messages.map(({ payload }) => payload), sent.map(base64).reverse())
          await client.close()
        })
      } finally {
        await dir.remove()
      }
    })

    test('what is no base64, or bytes where the contract wants a value, is refused', () =>
      withServer({ host }, async (server) => {
        const client = await WireClient.open(server.port)
        const wrong: [object, string][] = [
          [{ encoding: 'base64', payload: '%%%' }, 'invalid_frame'],
          [{ encoding: 'base64', payload: { a: 1 } }, 'invalid_frame'],
          [{ encoding: 'hex', payload: '00' }, 'invalid_frame'],
          [{ encoding: 7, payload: '' }, 'invalid_frame'],
          [{ payload: 'AAAA' }, 'invalid_payload'],
          [{ type: 'chat.message', encoding: 'base64', payload: 'AAAA' }, 'invalid_payload'],
        ]
        for (const [i, [fields, code]] of wrong.entries()) {
          client.send({ type: 'file.chunk', room: 'files', ref: `${i}`, ...fields })
          assert.equal((await client.errorOf(`${i}`)).code, code, JSON.stringify(fields))
        }
        await client.close()
      }))

    test('M3 a traceparent is handed on to who gets the message live, one that is malformed is not', () =>
      withServer({ host }, async (server) => {
        const client = await WireClient.open(server.port)
        const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
        client.send({ type: 'room.join', room: 'files', ref: 'join', payload: {} })
        await client.next({ type: 'room.joined', ref: 'join' })
        for (const given of [traceparent, 'ff-1', 7, traceparent.replace(/-4b.*-00f/, `-${'0'.repeat(32)}-00f`)]) {
          client.send(chunk(EVERY_BYTE, { traceparent: given }))
          const got = await client.next({ type: 'file.chunk' })
          assert.equal(got.traceparent, given === traceparent ? traceparent : undefined)
        }
        client.send({
          type: 'file.preview',
          room: 'files',
          encoding: 'base64',
          payload: 'AAAA',
          traceparent,
        })
        assert.equal((await client.next({ type: 'file.preview' })).traceparent, traceparent)
        await client.close()
      }))
  })
}
