import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { BUN } from '../support/spawn_server.ts'

describe('several hubs and adapters on one Bun server', () => {
  let server: ChildProcess
  let port = ''
  before(async () => {
    server = spawn(BUN, ['run', fileURLToPath(import.meta.resolve('../support/hosts/two_hubs.ts'))], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    for await (const line of createInterface({ input: server.stdout! })) {
      port = line.replace('ready ', '')
      break
    }
  })
  after(() => void server.kill('SIGKILL'))

  /** A client in room `r`, what it was sent, and its welcome. */
  async function join(path: string) {
    const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`)
    const received: { type: string; seq?: number; payload: { node?: string } }[] = []
    const waiting: (() => void)[] = []
    socket.onmessage = ({ data }) => {
      received.push(JSON.parse(data))
      for (const look of waiting.splice(0)) look()
    }
    const until = async (type: string) => {
      while (!received.some((envelope) => envelope.type === type)) {
        await new Promise<void>((resolve) => waiting.push(resolve))
      }
      return received.find((envelope) => envelope.type === type)!
    }
    const { payload: { node } } = await until('session.welcome')
    socket.send('{"type":"room.join","room":"r","payload":{}}')
    await until('room.joined')
    return { socket, node, until, seqs: () => received.flatMap(({ seq }) => seq ?? []) }
  }

  test('I4: whoever reaches a hub, by its own path or through the app, gets every message once', async () => {
    const [direct, mounted] = [await join('/ws'), await join('/a/ws')]
    for (const text of ['1', '2']) {
      direct.socket.send(`{"type":"note","room":"r","ref":"${text}","payload":{"text":"${text}"}}`)
    }
    for (const client of [direct, mounted]) {
      client.socket.send('{"type":"note","room":"r","ref":"last","payload":{"text":"last"}}')
      await client.until('ack')
    }
    // Its own ping comes back after all that was sent before.
    for (const client of [direct, mounted]) {
      client.socket.send('{"type":"room.history","room":"r","ref":"h","payload":{}}')
      await client.until('room.history')
      client.socket.send('{"type":"session.ping"}')
      await client.until('session.pong')
      assert.deepEqual(client.seqs(), [1, 2, 3, 4])
      client.socket.close()
    }
  })

  test('a connection belongs to the hub that accepted it, and rooms of one name to their hubs', async () => {
    const [a, b] = [await join('/a/ws'), await join('/b/ws')]
    assert.deepEqual([a.node, b.node], ['a', 'b'])
    b.socket.send('{"type":"note","room":"r","ref":"1","payload":{"text":"for b alone"}}')
    await b.until('note')
    a.socket.send('{"type":"session.ping"}')
    await a.until('session.pong')
    assert.deepEqual([a.seqs(), b.seqs()], [[], [1]])
    for (const { socket } of [a, b]) socket.close()
  })

  test('an open handler that closes at once frees the place', async () => {
    for (let i = 0; i < 5; i++) {
      const socket = new WebSocket(`ws://127.0.0.1:${port}/refusing/ws`)
      const { code, reason } = await new Promise<CloseEvent>((resolve) => socket.onclose = resolve)
      assert.deepEqual([code, reason], [4500, 'not you'])
    }
    const health = await (await fetch(`http://127.0.0.1:${port}/refusing/health`)).json()
    assert.deepEqual([health.status, health.sessions], ['ok', 0])
  })

  test("middleware on a room's history cannot be passed by with another path", async () => {
    const status = async (path: string) => {
      const response = await fetch(`http://127.0.0.1:${port}/a/rooms/${path}/history`)
      await response.body?.cancel()
      return response.status
    }
    assert.deepEqual(
      [await status('public'), await status('secret'), await status('x/secret'), await status('public%2Fsecret')],
      [200, 403, 404, 403],
    )
  })
})
