import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createRouter, type RotundaError } from '../../src/mod.ts'
import { fallbackHub } from '../support/fallback_hub.ts'
import { type Ask, errorCode, Poller, sending } from '../support/http_client.ts'
import { note, notes, notesHub } from '../support/test_hub.ts'
import { memoryStore } from '../../src/mod.ts'

const JSON_TYPE = { 'content-type': 'application/json' }

/** Asks, and checks that the answer is this error, says nothing of the inside, and leaves nothing behind. */
async function refused(ask: Ask, path: string, init: RequestInit, expected: string): Promise<void> {
  const response = await ask(path, init)
  const text = await response.clone().text()
  assert.equal(await errorCode(response), expected, `${path}: ${text}`)
  assert.doesNotMatch(text, /\.ts:|node_modules|\\n *at /)
  assert.equal(response.headers.get('cache-control'), 'no-store')
}

describe('bad requests are refused by name, with the status of the error table', () => {
  test('methods that an endpoint has not', async () => {
    const { hub, ask } = fallbackHub()
    for (const method of ['POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS']) {
      if (method !== 'HEAD') await refused(ask, '/sse', { method }, '405 method_not_allowed')
      else assert.equal((await ask('/sse', { method })).status, 405)
    }
    for (const method of ['PUT', 'PATCH', 'OPTIONS']) await refused(ask, '/poll', { method }, '405 method_not_allowed')
    for (const method of ['GET', 'PUT', 'DELETE']) await refused(ask, '/send', { method }, '405 method_not_allowed')
    await hub.close()
  })

  test('rooms and cursors of a URL', async () => {
    const { hub, ask } = fallbackHub()
    const e = hub.epoch
    const bad: [string, string][] = [
      ['room=', '400 invalid_room'],
      [`room=${'x'.repeat(129)}`, '400 invalid_room'],
      ['room=a%07b', '400 invalid_room'],
      ['room=a&room=a', '400 invalid_room'],
      ['room=a&last=-1', '400 invalid_limit'],
      ['room=a&last=10001', '400 invalid_limit'],
      ['room=a&last=1.5', '400 invalid_limit'],
      ['room=a&last=', '400 invalid_limit'],
      ['room=a&after=1', '400 invalid_cursor'],
      [`room=a&after=-1&epoch=${e}`, '400 invalid_cursor'],
      [`room=a&after=x&epoch=${e}`, '400 invalid_cursor'],
      [`room=a&after=99999999999999999&epoch=${e}`, '400 invalid_cursor'],
      [`room=a&room=b&after=1&epoch=${e}`, '400 invalid_cursor'],
      [`room=a&after=1&epoch=${e}&last=1`, '400 invalid_cursor'],
      [`room=a&cursor=${e}:1&last=1`, '400 invalid_cursor'],
      ['room=a&cursor=', '400 invalid_cursor'],
      ['room=a&cursor=1', '400 invalid_cursor'],
      [`room=a&cursor=${e}:`, '400 invalid_cursor'],
      [`room=a&cursor=${e}:1,2`, '400 invalid_cursor'],
      [`room=a&cursor=${e}:1:2`, '400 invalid_cursor'],
      [`room=a&cursor=${e}:-1`, '400 invalid_cursor'],
      [`room=a&cursor=${e}:99999999999999999`, '400 invalid_cursor'],
      [`room=a&cursor=%25zz:1`, '400 invalid_cursor'],
      [`room=a&cursor=${e}:${'1,'.repeat(20_000)}1`, '400 invalid_cursor'],
      [Array.from({ length: 1_001 }, (_, i) => `room=${i}`).join('&'), '429 too_many_rooms'],
    ]
    for (const [query, expected] of bad) {
      await refused(ask, `/poll?${query}`, {}, expected)
      await refused(ask, `/sse?${query}`, {}, expected)
      await refused(ask, `/poll?${query}`, { method: 'POST' }, expected)
    }
    for (const id of ['x', '1', `${e}:1,2`, `${e}:x`, 'null']) {
      await refused(ask, '/sse?room=a', { headers: { 'last-event-id': id } }, '400 invalid_cursor')
    }
    assert.equal(hub.sessionCount, 0)
    await hub.close()
  })

  test('wait and max out of range', async () => {
    const { hub, ask } = fallbackHub()
    const bad = ['wait=-1', 'wait=61', 'wait=x', 'wait=', 'wait=1e3', 'wait=Infinity', 'wait=NaN']
    for (const query of [...bad, 'max=0', 'max=513', 'max=-1', 'max=x', 'max=', 'max=1.5']) {
      await refused(ask, `/poll?room=a&${query}`, {}, '400 invalid_limit')
    }
    assert.equal((await ask('/poll?room=a&wait=60&max=512')).status, 200)
    await hub.close()
  })

  test('polls of nothing, of a room and a session, of a stream', async () => {
    const { hub, ask } = fallbackHub()
    await refused(ask, '/poll', {}, '400 invalid_room')
    const { query, welcome } = await Poller.open(ask)
    await refused(ask, `/poll?${query}&room=a`, {}, '400 invalid_room')
    for (const cursor of ['x', '-1', '999', '1.5', '']) {
      await refused(ask, `/poll?${query}&cursor=${cursor}`, {}, '400 invalid_cursor')
    }
    await refused(ask, '/poll', { method: 'DELETE' }, '404 not_found')
    assert.equal((await ask(`/poll?${query}`)).status, 200, welcome.session)
    const stream = await ask('/sse')
    const reader = stream.body!.getReader()
    let text = ''
    while (!text.includes('credential')) text += new TextDecoder().decode((await reader.read()).value)
    const credential = /"credential":"([^"]+)"/.exec(text)![1]
    await refused(ask, `/poll?session=${credential}`, {}, '400 invalid_frame')
    await reader.cancel()
    await hub.close()
  })

  test('bodies that are no JSON, no envelopes, of another type, or not UTF-8', async () => {
    const { hub, ask } = fallbackHub()
    const { welcome } = await Poller.open(ask)
    const bodies: [string | Uint8Array<ArrayBuffer>, string][] = [
      ['', '400 invalid_json'],
      ['hello', '400 invalid_json'],
      ['{"type":', '400 invalid_json'],
      ['42', '400 invalid_frame'],
      ['null', '400 invalid_frame'],
      ['[]', '400 invalid_frame'],
      [`[${Array(513).fill('{"type":"session.ping"}').join()}]`, '400 invalid_frame'],
      ['{}', '400 invalid_frame'],
      ['{"type":7}', '400 invalid_frame'],
      ['{"type":"note","room":"r","payload":{"__proto__":1}}', '400 invalid_frame'],
      [new Uint8Array([0x22, 0xc3, 0x28, 0x22]), '400 invalid_json'],
      [`${'['.repeat(30_000)}${']'.repeat(30_000)}`, '400 invalid_frame'],
    ]
    for (const headers of [JSON_TYPE, { ...JSON_TYPE, 'rotunda-session': welcome.credential }]) {
      for (const [body, expected] of bodies) await refused(ask, '/send', { method: 'POST', headers, body }, expected)
    }
    const text = JSON.stringify(note('x'))
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp', '']) {
      await refused(
        ask,
        '/send',
        { method: 'POST', headers: { 'content-type': type }, body: text },
        '400 invalid_frame',
      )
    }
    const spelled = { 'content-type': 'Application/JSON ; charset=utf-8' }
    assert.equal((await ask('/send', { method: 'POST', headers: spelled, body: text })).status, 202)
    await hub.close()
  })

  test('bodies larger than a frame may be, declared or not, and neither ends the session', async () => {
    const { hub, ask } = fallbackHub({ limits: { maxMessageSize: 1_024 } })
    const { welcome } = await Poller.open(ask)
    const headers = { ...JSON_TYPE, 'rotunda-session': welcome.credential }
    const fits = JSON.stringify(note('x')).padEnd(1_024)
    assert.equal((await ask('/send', { method: 'POST', headers, body: fits })).status, 202)
    await refused(ask, '/send', { method: 'POST', headers, body: fits + ' ' }, '413 message_too_big')
    const euros = JSON.stringify(note('€'.repeat(400)))
    await refused(ask, '/send', { method: 'POST', headers, body: euros }, '413 message_too_big')
    let pulled = 0
    const endless = new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull(controller) {
        pulled += 1
        controller.enqueue(new Uint8Array(512).fill(0x20))
      },
    })
    const init = { method: 'POST', headers, body: endless, duplex: 'half' } as RequestInit
    await refused(ask, '/send', init, '413 message_too_big')
    assert.ok(pulled < 10, `${pulled} chunks were read`)
    assert.equal((await ask(`/poll?session=${welcome.credential}`)).status, 200)
    await hub.close()
  })

  test('more frames than may wait are refused over the mailbox, each by name', async () => {
    const { hub, ask } = fallbackHub({ limits: { maxInboundQueue: 4 } })
    const gate = Promise.withResolvers<void>()
    hub.on('note.count', () => gate.promise.then(() => ({ count: 1 })))
    const poller = await Poller.open(ask)
    for (let n = 0; n < 8; n++) await poller.send({ type: 'note.count', room: 'r', ref: `${n}`, payload: {} })
    gate.resolve()
    const { payload } = await poller.next({ type: 'error', ref: '7' })
    assert.equal((payload as RotundaError).code, 'inbound_overflow')
    assert.deepEqual((await poller.next({ kind: 'reply', ref: '4' })).payload, { count: 1 })
    await hub.close()
  })

  test('settings that cannot be', async () => {
    const hub = notesHub(memoryStore())
    const wrong = [
      { ttl: 0 },
      { ttl: Infinity },
      { mailbox: 1.5 },
      { maxWait: -1 },
      { heartbeat: 0 },
      { origins: ['*'] },
      { origins: ['https://app.example.org/'] },
      { origins: ['app.example.org'] },
      { shared: { maxMailboxes: 0 } },
    ]
    for (const fallback of wrong) {
      assert.throws(() => createRouter(hub, { fallback }), { code: 'invalid_config' }, JSON.stringify(fallback))
    }
    createRouter(hub, { fallback: { ttl: 30 } })
    createRouter(hub)
    assert.throws(() => createRouter(hub, { fallback: { ttl: 31 } }), /fallback already/)
    await hub.close()
  })

  test('where the endpoints are turned off the paths are the application’s', async () => {
    const hub = notesHub(memoryStore())
    const route = createRouter(hub, { fallback: false })
    for (const path of ['/sse', '/poll', '/send']) {
      assert.equal(route(new Request(`http://localhost${path}`)), undefined)
    }
    assert.equal(hub.metrics.longPoll, undefined)
    await hub.close()
    assert.ok(notes)
  })
})

describe('pages of other origins', () => {
  const origin = 'https://app.example.org'

  test('are told nothing unless their origin is listed, and nobody is told by a wildcard', async () => {
    const { hub, ask } = fallbackHub({}, { origins: [origin] })
    const other = await ask('/poll?room=r', { headers: { origin: 'https://evil.example.org' } })
    assert.equal(other.headers.get('access-control-allow-origin'), null)
    assert.equal(
      (await ask('/poll', { method: 'OPTIONS', headers: { origin: 'https://evil.example.org' } })).status,
      405,
    )
    const listed = await ask('/poll?room=r', { headers: { origin } })
    assert.equal(listed.headers.get('access-control-allow-origin'), origin)
    assert.equal(listed.headers.get('access-control-allow-credentials'), 'true')
    assert.equal(listed.headers.get('access-control-expose-headers'), 'Rotunda-Cursor')
    assert.equal(listed.headers.get('vary'), 'Origin')
    const preflight = await ask('/send', { method: 'OPTIONS', headers: { origin } })
    assert.equal(preflight.status, 204)
    assert.match(preflight.headers.get('access-control-allow-headers')!, /Content-Type.*Rotunda-Session/)
    const failed = await ask('/poll', { headers: { origin } })
    assert.deepEqual([failed.status, failed.headers.get('access-control-allow-origin')], [400, origin])
    const stream = await ask('/sse', { headers: { origin } })
    assert.equal(stream.headers.get('access-control-allow-origin'), origin)
    await stream.body!.cancel()
    await hub.close()
  })

  test('without a list nobody is told anything', async () => {
    const { hub, ask } = fallbackHub()
    const response = await ask('/poll?room=r', { headers: { origin } })
    assert.equal(response.headers.get('access-control-allow-origin'), null)
    assert.equal((await ask('/send', { method: 'OPTIONS', headers: { origin } })).status, 405)
    await hub.close()
  })

  test('cannot send what is not asked for first: JSON needs its content type', async () => {
    const { hub, ask } = fallbackHub()
    const { body } = sending(note('x'))
    const init = { method: 'POST', headers: { origin, 'content-type': 'text/plain' }, body: body! }
    assert.equal(await errorCode(await ask('/send', init)), '400 invalid_frame')
    await hub.close()
  })
})
