import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type MetricsSource, prometheusMetrics, type PrometheusOptions } from '../../adapters/prometheus/mod.ts'
import { memoryStore } from '../../src/mod.ts'
import { notesHub } from '../support/test_hub.ts'

const at = (path: string, init: RequestInit = {}) => new Request(`http://localhost:9100${path}`, init)

async function metricsOf(options: PrometheusOptions = {}) {
  const hub = notesHub(memoryStore())
  await hub.close()
  return prometheusMetrics(hub, options)
}

async function codeOf(response: Response): Promise<string> {
  const { type, payload } = await response.json() as { type: string; payload: { code: string } }
  assert.equal(type, 'error')
  return payload.code
}

describe('GET /metrics (M1)', () => {
  test('GET gets the text and HEAD what it would be; nothing else is answered', async () => {
    const { answer, fetch, text } = await metricsOf({ process: false })
    for (const ask of [answer, fetch]) {
      const response = await ask(at('/metrics?whatever=1'))
      assert.equal(response.status, 200)
      assert.equal(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8')
      assert.equal(response.headers.get('cache-control'), 'no-store')
      assert.equal(await response.text(), await text())
      const head = await ask(at('/metrics', { method: 'HEAD' }))
      assert.deepEqual([head.status, await head.text()], [200, ''])
      for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
        const refused = await ask(at('/metrics', { method }))
        assert.deepEqual([refused.status, refused.headers.get('allow')], [405, 'GET, HEAD'], method)
        assert.equal(await codeOf(refused), 'method_not_allowed')
      }
    }
  })

  test('a server of its own has nothing else; the application keeps all other paths', async () => {
    const { answer, fetch, or } = await metricsOf()
    for (const path of ['/', '/metrics/', '/Metrics', '/rooms/metrics', '//metrics', '/metrics%20']) {
      const response = await fetch(at(path))
      assert.equal(response.status, 404, path)
      assert.equal(await codeOf(response), 'not_found')
      assert.equal((await answer(at(path))).status, 200, 'whoever calls `answer` has chosen the path')
    }
    const context = { server: 'this one' }
    const shared = or((request, given: typeof context) => {
      assert.equal(given, context)
      return new Response(new URL(request.url).pathname)
    })
    assert.equal(await (await shared(at('/a/page'), context)).text(), '/a/page')
    assert.match(await (await shared(at('/metrics'), context)).text(), /^rotunda_sessions 0$/m)
    const moved = await metricsOf({ path: '/internal/stats' })
    assert.equal((await moved.fetch(at('/internal/stats'))).status, 200)
    assert.equal((await moved.fetch(at('/metrics'))).status, 404)
  })

  test('with a token nobody reads without it', async () => {
    const { answer } = await metricsOf({ token: 'open-Sesame_1' })
    const status = async (authorization?: string) => {
      const response = await answer(at('/metrics', authorization === undefined ? {} : { headers: { authorization } }))
      if (response.status !== 401) return response.status
      assert.equal(response.headers.get('www-authenticate'), 'Bearer')
      assert.equal(await codeOf(response), 'unauthenticated')
      return 401
    }
    for (const shown of ['Bearer open-Sesame_1', 'bearer open-Sesame_1', 'BEARER open-Sesame_1']) {
      assert.equal(await status(shown), 200, shown)
    }
    const wrong = [
      '',
      'open-Sesame_1',
      'Bearer',
      'Bearer open-Sesame_',
      'Bearer open-Sesame_12',
      'Bearer Open-Sesame_1',
    ]
    for (const shown of [undefined, ...wrong, 'Basic open-Sesame_1', 'Bearer  open-Sesame_1', 'Bearer \u00ff']) {
      assert.equal(await status(shown), 401, String(shown))
    }
    const { answer: open } = await metricsOf()
    assert.equal((await open(at('/metrics', { headers: { authorization: 'Bearer whatever' } }))).status, 200)
  })

  test('a token or path that cannot be is refused at the start, and the token is not repeated', async () => {
    for (const token of ['', ' ', 'two words', 'new\nline', 'käse']) {
      await assert.rejects(metricsOf({ token }), (error: Error & { code?: string }) => {
        assert.deepEqual([error.code, error.message.includes('käse')], ['invalid_config', false])
        assert.match(error.message, /^token must be of printable ASCII/)
        return true
      })
    }
    for (const path of ['', 'metrics', 'http://elsewhere/metrics', '/metrics?x', '/a b', '/a/../b', '//host']) {
      await assert.rejects(metricsOf({ path }), { code: 'invalid_config', message: /it must be one that can be asked/ })
    }
  })

  test('what keeps them from being read is reported, told nobody else, and over with the next scrape', async () => {
    const hub = notesHub(memoryStore())
    const reported: unknown[] = []
    let isBroken = true
    const source: MetricsSource = {
      node: hub.node,
      epoch: hub.epoch,
      limits: hub.limits,
      companions: hub.companions,
      get metrics() {
        if (isBroken) throw new TypeError('secret of the server')
        return hub.metrics
      },
      report: (error) => void reported.push(error),
    }
    const { answer } = prometheusMetrics(source)
    const failed = await answer(at('/metrics'))
    assert.equal(failed.status, 500)
    const said = await failed.text()
    assert.match(said, /"internal"/)
    assert.doesNotMatch(said, /secret/)
    assert.deepEqual(reported.map(String), ['TypeError: secret of the server'])
    isBroken = false
    assert.equal((await answer(at('/metrics'))).status, 200)
    await hub.close()
  })
})
