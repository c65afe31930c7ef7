import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type AppServer, failToStart, startApp } from '../support/app_server.ts'
import { tempDir } from '../support/temp_dir.ts'
import { WireClient } from '../support/wire_client.ts'

describe('server.ts does what its environment says', () => {
  const common = { SERVER_PORT: '0', METRICS_ENABLED: 'false' }
  let dir: Awaited<ReturnType<typeof tempDir>>
  let app: AppServer

  before(async () => {
    dir = await tempDir()
    const quotas = [{ metric: 'messages', window: 60, limit: 1, types: ['chat.message'] }]
    const fallback = { FALLBACK_MAX_WAIT: '0.5', FALLBACK_ORIGINS: 'https://app.example.org' }
    app = await startApp({ ...common, ...fallback, QUOTAS_RULES: JSON.stringify(quotas) }, dir.path)
  })
  after(async () => {
    await app.end('SIGKILL')
    await dir.remove()
  })

  test('FALLBACK_…: how long polls wait, and whose pages may poll', async () => {
    const poll = (wait: number, headers: Record<string, string> = {}) => {
      return fetch(`http://127.0.0.1:${app.port}/poll?room=a&wait=${wait}`, { headers })
    }
    assert.equal((await poll(0.6)).status, 400)
    const read = await poll(0.1, { origin: 'https://app.example.org' })
    assert.equal(read.status, 200)
    assert.equal(read.headers.get('access-control-allow-origin'), 'https://app.example.org')
    assert.equal((await poll(0, { origin: 'https://evil.example' })).status, 403)
  })

  test('M4 QUOTAS_…: how much a session may do', async () => {
    const client = await WireClient.open(app.port)
    for (const ref of ['1', '2']) {
      client.send({ type: 'chat.message', room: 'a', ref, payload: { user: 'u', text: 't' } })
    }
    await client.next({ type: 'ack', ref: '1' })
    assert.equal((await client.errorOf('2')).code, 'quota_exceeded')
    await client.close()
  })

  test('M4 a quota of an unknown metric stops the start', async () => {
    const rules = JSON.stringify([{ metric: 'cpu', window: 1, limit: 1 }])
    const { code, stderr } = await failToStart({ ...common, QUOTAS_RULES: rules }, dir.path)
    assert.match(stderr, /^rotunda: quotas\[0\]\.metric is "cpu"; it must be one of messages, bytesIn, bytesOut\.\n$/)
    assert.equal(code, 1)
  })
})
