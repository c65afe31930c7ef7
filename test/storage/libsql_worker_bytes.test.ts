import assert from 'node:assert/strict'
import { join } from 'node:path'
import test from 'node:test'
import { prepareBatch } from '../../adapters/libsql/batch.ts'
import { libsqlSettings } from '../../adapters/libsql/options.ts'
import { openWorkerConnection } from '../../adapters/libsql/worker_connection.ts'
import { message } from '../conformance/store_messages.ts'
import { tempDir } from '../support/temp_dir.ts'

test('L1 bytes are handed over to the worker and back, not copied, and never more than the payloads', async () => {
  const dir = await tempDir()
  const settings = libsqlSettings({ url: `file:${join(dir.path, 'rotunda.db')}` })
  const connection = await openWorkerConnection(settings, 'writer')
  try {
    const buffer = new Uint8Array(1_000_000).fill(7)
    const { batch } = prepareBatch([
      message('a', { payload: buffer.subarray(10, 20) }),
      message('a', { payload: '1' }),
      message('a', { payload: buffer.subarray(90, 95) }),
    ])
    const bytes = batch.parts[0]?.bytes
    assert.equal(bytes?.buffer.byteLength, 15)
    const committing = connection.commit(batch)
    assert.equal(bytes?.byteLength, 0, 'a copy was sent')
    assert.equal(buffer.byteLength, 1_000_000)
    assert.deepEqual((await committing).heads, [3])
    const page = await connection.page({ of: 'room', room: 'a', after: 0, limit: 9, bytes: true })
    assert.deepEqual(new Uint8Array(page!.bytes!), new Uint8Array(15).fill(7))
    const texts = await connection.page({ of: 'room', room: 'a', after: 1, limit: 1, bytes: true })
    assert.deepEqual([JSON.parse(texts!.rows)[0][6], texts!.bytes], ['1', null])
  } finally {
    await connection.close()
    await dir.remove()
  }
})
