import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Hono } from 'hono'
import {
  attachRuntime,
  createHub,
  Executor,
  memoryStore,
  type RotundaServer,
  type RuntimeHost,
  serveHttpAndWs,
} from '../../src/mod.ts'
import { notes } from '../support/test_hub.ts'

// The test runs on the runtime whose servers it starts.
const host =
  ('Deno' in globalThis
    ? await import('../../adapters/deno/mod.ts')
    : await import('../../adapters/bun/mod.ts')) as RuntimeHost<unknown>

function application() {
  const executor = new Executor()
  const hub = createHub({ protocol: notes, executor })
  const app = new Hono()
  app.get('/hello', (context) => context.text('hello from the app'))
  return { executor, hub, http: { fetch: (request: Request) => app.fetch(request) } }
}

async function connect(server: RotundaServer): Promise<{ socket: WebSocket; closed: Promise<CloseEvent> }> {
  const socket = new WebSocket(`ws://127.0.0.1:${server.port}/ws`, ['rotunda.v1.json'])
  const closed = new Promise<CloseEvent>((resolve) => socket.onclose = resolve)
  await new Promise<void>((resolve, reject) => {
    socket.onmessage = () => resolve()
    socket.onerror = () => reject(new Error('no connection'))
  })
  return { socket, closed }
}

const status = async (server: RotundaServer, path: string) => {
  const response = await fetch(`http://127.0.0.1:${server.port}${path}`)
  await response.body?.cancel()
  return response.status
}

describe('the attached runtime (A1)', () => {
  test('one port serves the HTTP app and WebSocket from construction on', async () => {
    const { executor, hub, http } = application()
    const runtime = attachRuntime({ http, hub, executor, host, port: 0, hostname: '127.0.0.1' })
    assert.equal(runtime.listen(), runtime.websocket)
    assert.deepEqual([await status(runtime.websocket, '/hello'), await status(runtime.websocket, '/health')], [
      200,
      200,
    ])
    const { closed } = await connect(runtime.websocket)
    await runtime.finalizeShutdown()
    assert.equal((await closed).code, 1001)
    await assert.rejects(status(runtime.websocket, '/hello'))
  })

  test('two ports: construction starts WebSocket, listen starts HTTP, one shutdown ends both', async () => {
    const { executor, hub, http } = application()
    const runtime = attachRuntime({ http, hub, executor, host, port: 0, websocketPort: 0, hostname: '127.0.0.1' })
    const { closed } = await connect(runtime.websocket)
    assert.equal(await status(runtime.websocket, '/hello'), 404)
    const web = runtime.listen()
    assert.equal(runtime.listen(), web)
    assert.notEqual(web.port, runtime.websocket.port)
    assert.equal(await status(web, '/hello'), 200)
    await runtime.finalizeShutdown()
    assert.equal((await closed).code, 1001)
    assert.equal(executor.signal.aborted, true)
    await assert.rejects(status(web, '/hello'))
  })

  test('requestStop returns at once, is idempotent, and may be called from a handler', async () => {
    const { executor, hub, http } = application()
    const runtime = serveHttpAndWs({ http, hub, executor, host, port: 0, hostname: '127.0.0.1' })
    hub.onMessage(() => {
      runtime.requestStop()
      runtime.requestStop()
    })
    const { socket, closed } = await connect(runtime.websocket)
    socket.send('{"type":"note","room":"r","ref":"1","payload":{"text":"the last one"}}')
    const messages: string[] = []
    socket.onmessage = ({ data }) => messages.push(data)
    assert.equal((await closed).code, 1001)
    assert.equal(runtime.stopRequested, true)
    assert.ok(messages.some((frame) => frame.includes('"ack"')), 'what had arrived was stored and acknowledged')
    const first = runtime.finalizeShutdown()
    assert.equal(runtime.finalizeShutdown(), first)
    await first
  })

  test("the HTTP app's shutdown callback stops the WebSocket side", async () => {
    const { executor, hub, http } = application()
    let shutDown = () => {}
    const runtime = attachRuntime({
      http: { ...http, onShutdown: (callback) => shutDown = callback },
      hub,
      executor,
      host,
      port: 0,
      hostname: '127.0.0.1',
    })
    const { closed } = await connect(runtime.websocket)
    shutDown()
    assert.equal((await closed).code, 1001)
    await runtime.finalizeShutdown()
  })

  test('`await using` finalizes', async () => {
    const { executor, hub, http } = application()
    {
      await using runtime = attachRuntime({ http, hub, executor, host, port: 0, hostname: '127.0.0.1' })
      assert.equal(await status(runtime.websocket, '/health'), 200)
    }
    assert.equal(executor.signal.aborted, true)
  })

  test('a failing step of the shutdown does not skip the next, and all failures are told', async () => {
    const executor = new Executor()
    const store = memoryStore()
    const hub = createHub({
      protocol: notes,
      executor,
      store: { ...store, epoch: store.epoch, close: () => Promise.reject(new Error('the disk is gone')) },
    })
    const { http } = application()
    const runtime = attachRuntime({ http, hub, executor, host, port: 0, hostname: '127.0.0.1' })
    await assert.rejects(runtime.finalizeShutdown(), (error: AggregateError) => {
      assert.match(String(error.errors[0]), /the disk is gone/)
      return true
    })
    assert.equal(executor.signal.aborted, true, 'the executor was stopped all the same')
    await assert.rejects(status(runtime.websocket, '/health'), 'the port was freed all the same')
  })

  test('ports that contradict each other are refused', () => {
    const { executor, hub, http } = application()
    assert.throws(() => attachRuntime({ http, hub, executor, host, port: 9090, websocketPort: 9090 }), {
      code: 'invalid_config',
      message: /leave websocketPort out/,
    })
    return hub.close()
  })

  test('a port in use is refused by name, and the side that was started is stopped', async () => {
    const taken = application()
    const first = serveHttpAndWs({ ...taken, host, port: 0, hostname: '127.0.0.1' })
    const { executor, hub, http } = application()
    const port = first.websocket.port
    assert.throws(
      () => serveHttpAndWs({ http, hub, executor, host, port, websocketPort: 0, hostname: '127.0.0.1' }),
      { code: 'invalid_config', message: new RegExp(`Port ${port} cannot be used`) },
    )
    await hub.close()
    await executor.stop()
    await first.finalizeShutdown()
  })
})
