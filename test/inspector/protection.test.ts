import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Caller, createHub, createRouter, type InspectorOptions, RotundaError } from '../../src/mod.ts'
import { errorCode } from '../support/http_client.ts'
import { connectPeer, MemoryHost } from '../support/memory_peer.ts'
import { notes } from '../support/test_hub.ts'
import { basic, closing, PASSWORD } from './ask.ts'

/** Asks a hub's router in this process. */
function routed(inspector: unknown, base = '', caller?: Caller) {
  const errors: unknown[] = []
  const lines: string[] = []
  const hub = createHub({ protocol: notes, logger: { ...console, warn: (text: string) => void lines.push(text) } })
  hub.onError((error) => errors.push(error))
  const route = createRouter(hub, { base, inspector: inspector as InspectorOptions })
  const ask = async (path: string, init?: RequestInit) => {
    const callerOf = caller === undefined ? undefined : () => caller
    return await route(new Request(`http://host.example${path}`, init), callerOf) as Response | undefined
  }
  return { hub, ask, errors, lines }
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

describe('wrong passwords', () => {
  /** Shows wrong passwords and gives what they were answered with. */
  async function guess({ ask }: ReturnType<typeof routed>, count: number, headers: Record<string, string> = {}) {
    const statuses: number[] = []
    for (let i = 0; i < count; i++) {
      const response = await ask('/inspector', { headers: { ...basic(`wrong password ${i}`), ...headers } })
      statuses.push(response!.status)
    }
    return statuses
  }

  test('are counted by who connects, not by what a client says of itself', async () => {
    const caller = { address: '203.0.113.9', port: 1, gone: undefined, patient: () => {} }
    const scene = routed({ password: PASSWORD }, '', caller)
    for (let i = 0; i < 10; i++) {
      assert.deepEqual(await guess(scene, 1, { 'x-forwarded-for': `10.0.0.${i}` }), [401])
    }
    assert.deepEqual(await guess(scene, 2, { 'x-forwarded-for': '10.0.0.99' }), [429, 429])
    assert.deepEqual(scene.lines, ['rotunda: inspector: too many wrong passwords from 203.0.113.9.'])
  })

  test('are counted together where nobody knows who connects, and for a whole IPv6 network', async () => {
    assert.deepEqual((await guess(routed({ password: PASSWORD }), 12)).slice(9), [401, 429, 429])
    const caller = { address: '', port: 1, gone: undefined, patient: () => {} }
    const scene = routed({ password: PASSWORD }, '', caller)
    for (let i = 0; i < 10; i++) {
      caller.address = `2001:db8:0:1::${i}`
      assert.deepEqual(await guess(scene, 1), [401])
    }
    caller.address = '2001:db8:0:1:ffff::1'
    assert.deepEqual(await guess(scene, 1), [429])
    caller.address = '2001:db8:0:2::1'
    assert.deepEqual(await guess(scene, 1), [401])
  })

  test('are not what was not shown, or cannot be read', async () => {
    const { ask } = routed({ password: PASSWORD })
    for (const authorization of ['', 'Basic', 'Basic !', `Bearer ${PASSWORD}`, 'Basic bm8tY29sb24=', 'Basic //8=']) {
      for (let i = 0; i < 4; i++) assert.equal((await ask('/inspector', { headers: { authorization } }))!.status, 401)
    }
    assert.equal((await ask('/inspector', { headers: basic(PASSWORD) }))!.status, 200)
  })

  test('do not shut out who is let in by authorize', async () => {
    const { ask } = routed({ authorize: ({ headers }: Request) => headers.get('cookie') === 'right' })
    for (let i = 0; i < 20; i++) assert.equal((await ask('/inspector', { headers: { cookie: 'no' } }))!.status, 403)
    assert.equal((await ask('/inspector', { headers: { cookie: 'right' } }))!.status, 200)
  })
})

test('who closed a session is logged by name, unless the name is the password', async () => {
  const { hub, ask, lines } = routed({ password: PASSWORD })
  for (const [user, said] of [['ana', ' "ana"'], ['', ''], [PASSWORD, ''], [`my ${PASSWORD}`, '']] as const) {
    const { connection } = connectPeer(hub, new MemoryHost({ native: true }))
    const init = closing(basic(PASSWORD, user))
    assert.equal((await ask(`/inspector/api/close?session=${connection.id}`, init))!.status, 200)
    assert.deepEqual(lines, [`rotunda: inspector: session ${connection.id} closed with 1000 by${said} from somewhere.`])
    lines.length = 0
  }
  assert.equal((await ask('/inspector/api/close?session=nobody', closing()))!.status, 404)
  assert.deepEqual(lines, [])
  await hub.close()
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
