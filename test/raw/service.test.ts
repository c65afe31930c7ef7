import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createRouter, Executor, rawService } from '../../src/mod.ts'
import { connected, connectTo, emptyHub, RawPeer } from './raw_peer.ts'

const settled = () => new Promise((resolve) => setTimeout(resolve, 0))
const upgrade = (path: string, protocols?: string) =>
  new Request(`http://localhost${path}`, {
    headers: {
      upgrade: 'websocket',
      connection: 'upgrade',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
      ...(protocols === undefined ? {} : { 'sec-websocket-protocol': protocols }),
    },
  })

/** Knows what goes on in it again and again. */
class CountingExecutor extends Executor {
  rhythms = 0

  override every(milliseconds: number, task: () => void): () => void {
    this.rhythms += 1
    const stop = super.every(milliseconds, task)
    return () => {
      this.rhythms -= 1
      stop()
    }
  }
}

describe('P8 a raw service beside a hub', () => {
  test('is one service at several paths and through several adapters, and belongs to one hub', async () => {
    const { hub } = emptyHub()
    const { hub: other } = emptyHub()
    const service = rawService(() => {})
    const routers = [
      createRouter(hub, { raw: { '/a': service, '/b': service } }),
      createRouter(hub, {
        base: '/x',
        raw: { '/c': service },
      }),
    ]
    for (const [router, path] of [[routers[0]!, '/a'], [routers[0]!, '/b'], [routers[1]!, '/x/c']] as const) {
      const routed = await router(upgrade(path))
      assert.ok(routed !== undefined && 'upgrade' in routed)
      const peer = new RawPeer()
      peer.receiver = routed.upgrade.connect(peer)
    }
    assert.deepEqual([service.size, service.connections.length, hub.companions.size], [3, 3, 3])
    assert.throws(() => createRouter(other, { raw: { '/a': service } }), { message: /beside another hub already/ })
    await hub.close()
    assert.equal(service.size, 0)
    await other.close()
  })

  test('cannot be at a path that nobody can ask for, or that is the hub’s', async () => {
    const { hub } = emptyHub()
    const raw = (path: string) => () => createRouter(hub, { raw: { [path]: rawService(() => {}) } })
    assert.throws(raw('raw'), { code: 'invalid_config', message: /"raw"; it must begin with "\/"/ })
    assert.throws(raw('/räw'), { message: /asks for "\/r%C3%A4w"/ })
    for (const path of ['/raw?x', '/raw#x', '/a/../b']) assert.throws(raw(path), { code: 'invalid_config' })
    for (const path of ['/ws', '/health']) assert.throws(raw(path), { message: /the hub's own; choose another/ })
    await hub.close()
  })

  test('takes limits from its hub, and checks its own', async () => {
    const { hub } = emptyHub({ maxMessageSize: 1_000, maxInboundQueue: 7, idleTimeout: 60 })
    const { limits } = rawService(() => {}, { limits: { maxInboundQueue: 9, maxConnections: undefined! } }).attach(hub)
    const { maxMessageSize, maxInboundQueue, maxInboundBytes, idleTimeout, maxConnections } = limits
    assert.deepEqual([maxMessageSize, maxInboundQueue, maxInboundBytes, idleTimeout, maxConnections], [
      1_000,
      9,
      16_000,
      60,
      10_000,
    ])
    for (
      const [wrong, says] of [
        [{ maxInboundBytes: 999 }, /"999"; it must be a whole number from limits\.maxMessageSize, 1000, to/],
        [{ maxInboundBytes: NaN }, /"NaN"/],
        [{ maxMessageSize: 10 }, /limits\.maxMessageSize is "10"/],
        [{ pingInterval: 60 }, /make idleTimeout the longer one/],
        [{ maxErrors: 1 } as object, /limits\.maxErrors is no setting of a raw service/],
      ] as const
    ) {
      assert.throws(() => rawService(() => {}, { limits: wrong }).attach(hub), {
        code: 'invalid_config',
        message: says,
      })
    }
    // A journal of a hub is no concern of a service's frames.
    const large = rawService(() => {}, { limits: { maxMessageSize: 8 * 1024 * 1024 } })
    const { hub: tight } = emptyHub({ maxMessageSize: 1_000, maxJournalBytes: 65_536 })
    assert.equal(large.attach(tight).limits.maxMessageSize, 8 * 1024 * 1024)
    assert.deepEqual(tight.companions.largest, { maxMessageSize: 8 * 1024 * 1024, hardLimit: tight.limits.hardLimit })
    await hub.close()
    await tight.close()
  })

  test('chooses a subprotocol with a function, which may not choose what was not offered', async () => {
    const { hub, reported } = emptyHub()
    const newest = (offered: readonly string[]) => offered.toSorted().at(-1)
    const route = createRouter(hub, {
      raw: {
        '/newest': rawService(() => {}, { subprotocols: newest }),
        '/wrong': rawService(() => {}, { subprotocols: () => 'mine' }),
      },
    })
    const chosen = await route(upgrade('/newest', 'v1, v3, v2'))
    assert.ok(chosen !== undefined && 'upgrade' in chosen)
    assert.equal(chosen.upgrade.subprotocol, 'v3')
    const wrong = await route(upgrade('/wrong', 'theirs'))
    assert.ok(wrong !== undefined && 'response' in wrong)
    assert.equal(wrong.response.status, 500)
    assert.match(String(reported[0]), /"mine", which the client has not offered/)
    await hub.close()
  })

  test('refuses who was accepted before there were too many, or the hub began to close', async () => {
    const { hub } = emptyHub({ maxConnections: 2 })
    let calls = 0
    const service = rawService(() => calls += 1, { limits: { maxConnections: 1 } })
    const first = connectTo(service, hub)
    const late = connectTo(service, hub)
    assert.deepEqual([calls, first.closedWith, late.closedWith?.[0]], [1, undefined, 1013])
    await settled()
    assert.equal(service.size, 1)
    const closing = hub.close()
    assert.equal(connectTo(service, hub).closedWith?.[0], 1001)
    await closing
    assert.throws(() => rawService(() => {}).attach(hub), { code: 'shutting_down' })
  })

  test('is closed with its hub, which waits for handlers in flight', async () => {
    const order: string[] = []
    let finish = () => {}
    const raw = connected((connection) => {
      connection.onClose((_, code, reason) => order.push(`${code} ${reason}`))
      connection.onData(async () => {
        await new Promise<void>((resolve) => finish = resolve)
        order.push('handled')
      })
    })
    raw.peer.say('1')
    const closed = raw.hub.close().then(() => order.push('closed'))
    await new Promise((resolve) => raw.connection.onClose(resolve))
    await settled()
    assert.deepEqual(order, ['1001 The server is stopping.'])
    finish()
    await closed
    assert.deepEqual(order, ['1001 The server is stopping.', 'handled', 'closed'])
  })

  test('a client that never answers the close frame does not keep the hub from closing', async () => {
    const raw = connected()
    raw.peer.answers = false
    let code = 0
    raw.connection.onClose((_, told) => code = told)
    await raw.hub.close()
    assert.deepEqual([raw.peer.closedWith?.[0], code, raw.service.size], [1001, 1006, 0])
  })

  test('leaves nothing behind in an executor that outlives its hub', async () => {
    const executor = new CountingExecutor()
    const { hub } = emptyHub({}, { executor })
    const service = rawService(async (connection) => {
      for await (const frame of connection) connection.send(frame)
    })
    const peer = connectTo(service, hub)
    assert.deepEqual([executor.size, executor.rhythms], [1, 2])
    await hub.close()
    assert.deepEqual([peer.closedWith?.[0], executor.size, executor.rhythms], [1001, 0, 0])
    assert.equal(await executor.stop(), true)
  })
})
