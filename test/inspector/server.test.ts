import assert from 'node:assert/strict'
import { test } from 'node:test'
import { failToStart, startApp } from '../support/app_server.ts'
import { tempDir } from '../support/temp_dir.ts'
import { basic, PASSWORD } from './ask.ts'

const SLOW = { timeout: 60_000 }

test(
  'M5 INSPECTOR_PASSWORD turns it on in server.ts, which says where it is and never the password',
  SLOW,
  async () => {
    const dir = await tempDir()
    const env = { SERVER_PORT: '0', METRICS_ENABLED: 'false', DATABASE_URL: `file:${dir.path}/rotunda.db` }
    try {
      const off = await startApp(env, dir.path)
      assert.match(off.greeting, /inspector +off/)
      assert.equal((await fetch(`http://127.0.0.1:${off.port}/inspector`, { headers: basic(PASSWORD) })).status, 404)
      await off.end('SIGTERM')

      const on = await startApp({ ...env, INSPECTOR_PASSWORD: PASSWORD }, dir.path)
      assert.match(on.greeting, new RegExp(`inspector +http://localhost:${on.port}/inspector`))
      assert.equal((await fetch(`http://127.0.0.1:${on.port}/inspector`)).status, 401)
      assert.equal((await fetch(`http://127.0.0.1:${on.port}/inspector`, { headers: basic(PASSWORD) })).status, 200)
      const { stdout, stderr } = await on.end('SIGTERM')
      assert.ok(!`${stdout}${stderr}`.includes(PASSWORD))

      const refused = await failToStart({ ...env, INSPECTOR_PASSWORD: 'hunter2' }, dir.path)
      assert.equal(refused.code, 1)
      assert.match(refused.stderr, /inspector\.password must have 12 characters or more/)
      assert.ok(!refused.stderr.includes('hunter2'))
    } finally {
      await dir.remove()
    }
  },
)
