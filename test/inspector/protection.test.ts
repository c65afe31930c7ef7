import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createHub, createRouter, type InspectorOptions, RotundaError } from '../../src/mod.ts'
import { errorCode } from '../support/http_client.ts'
import { notes } from '../support/test_hub.ts'
import { basic, closing, PASSWORD } from './ask.ts'

/** Asks a hub's router in this process. */
function routed(inspector: unknown, base = '') {
  const errors: unknown[] = []
  const hub = createHub({ protocol: notes })
  hub.onError((error) => errors.push(error))
  const route = createRouter(hub, { base, inspector: inspector as InspectorOptions })
  const ask = async (path: string, init?: RequestInit) => {
    return await route(new Request(`http://host.example${path}`, init)) as Response | undefined
  }
  return { hub, ask, errors }
}

const refusedWith = (inspector: unknown, message: RegExp) => {
  assert.throws(() => routed(inspector), (error) => {
    return error instanceof RotundaError && error.code === 'invalid_config' && message.test(error.message)
  })
}

describe('an inspector is not made', () => {
  test('without anything that protects it', () => {
    for (const nothing of [{}, { payloads: true }, true, false, null]) refusedWith(nothing, /authorize.*password/)
  })

  test('with what does not protect it, or twice', () => {
    refusedWith({ password: 'elevenchars' }, /12 characters/)
    refusedWith({ password: 123_456_789_012 }, /12 characters/)
    refusedWith({ authorize: true }, /function/)
    refusedWith({ authorize: () => true, password: PASSWORD }, /one of them/)
    refusedWith({ password: PASSWORD, payloads: 'yes' }, /payloads/)
  })

  test('and the password is in no message', () => {
    try {
      routed({ password: 'secret' })
    } catch (error) {
      assert.doesNotMatch(String(error), /secret/)
      return
    }
    assert.fail('not refused')
  })
})

describe('authorize', () => {
  test('is asked about every request, and only true lets in', async () => {
    const asked: string[] = []
    for (const answer of [false, undefined, 0, 'yes', Promise.resolve(false), Promise.resolve('true')]) {
      const { ask } = routed({
        authorize: ({ method, url }: Request) => {
          asked.push(`${method} ${new URL(url).pathname}`)
          return answer
        },
      })
      for (const path of ['', '/api/view', '/nothing']) {
        const response = await ask(`/inspector${path}`)
        assert.equal(response!.headers.get('www-authenticate'), null)
        assert.equal(await errorCode(response!), '403 forbidden')
      }
    }
    assert.deepEqual(asked.slice(0, 3), ['GET /inspector', 'GET /inspector/api/view', 'GET /inspector/nothing'])
    const { ask } = routed({ authorize: () => Promise.resolve(true) })
    assert.equal((await ask('/inspector'))!.status, 200)
  })

  test('that throws lets nobody in: with its own error, or as a failure that is reported', async () => {
    const own = routed({ authorize: () => Promise.reject(new RotundaError('unauthenticated', 'Sign in.')) })
    assert.equal(await errorCode((await own.ask('/inspector'))!), '401 unauthenticated')
    const failing = routed({
      authorize: () => {
        throw new TypeError('the session store is away')
      },
    })
    const response = (await failing.ask('/inspector/api/view'))!
    assert.equal(response.status, 500)
    assert.doesNotMatch(await response.text(), /store/)
    assert.match(String(failing.errors), /session store/)
  })

  test('by method lets somebody look and not touch', async () => {
    const { ask } = routed({ authorize: ({ method }: Request) => method === 'GET' })
    assert.equal((await ask('/inspector/api/view'))!.status, 200)
    assert.equal(await errorCode((await ask('/inspector/api/close?session=x', closing()))!), '403 forbidden')
  })
})

describe('a password', () => {
  test('may have any characters, and any user goes with it', async () => {
    const password = 'pässwörd: with ✓ in it'
    const { ask } = routed({ password })
    for (const user of ['', 'operator', 'ünï']) {
      assert.equal((await ask('/inspector', { headers: basic(password, user) }))!.status, 200)
    }
    for (const wrong of [`${password} `, password.slice(1), password.toUpperCase(), '']) {
      assert.equal((await ask('/inspector', { headers: basic(wrong) }))!.status, 401)
    }
  })
})

test('the inspector is below the base, with all that is under it, and leaves the rest to the application', async () => {
  const { ask } = routed({ password: PASSWORD }, '/realtime')
  assert.equal((await ask('/realtime/inspector', { headers: basic(PASSWORD) }))!.status, 200)
  assert.equal((await ask('/realtime/inspector/x'))!.status, 401)
  for (const path of ['/inspector', '/realtime/inspectors', '/realtime/inspector2/api/view']) {
    assert.equal(await ask(path), undefined)
  }
})

test('an action over plain HTTP is known by its origin alone, whatever the scheme in front of a proxy', async () => {
  const { ask } = routed({ password: PASSWORD })
  const path = '/inspector/api/close?session=x'
  assert.equal((await ask(path, closing({ origin: 'https://host.example' })))!.status, 404)
  assert.equal((await ask(path, closing({ origin: 'http://host.example:8080' })))!.status, 403)
  assert.equal((await ask(path, closing({ origin: 'not an origin' })))!.status, 403)
  assert.equal((await ask(path, closing({ 'sec-fetch-site': 'same-origin' })))!.status, 404)
})
