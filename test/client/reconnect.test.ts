import assert from 'node:assert/strict'
import process from 'node:process'
import test from 'node:test'
import { RotundaError } from '../../src/mod.ts'
import { freePort } from '../support/free_port.ts'
import { spawnServer } from '../support/spawn_server.ts'
import { type Tamper, tamperedWebSocket } from '../support/tampered_socket.ts'
import {
  type ChatClient,
  once,
  range,
  reached,
  says,
  Transcript,
  withClient,
  withClientsOf,
} from '../support/with_client.ts'

const failsWith = (code: string) => (error: unknown) => error instanceof RotundaError && error.code === code

/** Makes the server believe that it closes, as seen by the client: a close event with this code. */
function closeWith(tamper: Tamper, code: number): void {
  tamper.sockets.at(-1)!.onclose!(new CloseEvent('close', { code, reason: 'because' }))
}

function statesOf(client: ChatClient): string[] {
  const states: string[] = [client.state]
  client.onState((state) => states.push(state))
  return states
}

test('C2 the client comes back after a server that stopped, and its states are told in order', async () => {
  const port = await freePort()
  let server = await spawnServer({ port })
  try {
    await withClientsOf(server, async ({ connect }) => {
      const client = connect()
      const states = statesOf(client)
      await reached(client, 'open')
      const closed = once(client.onClose.bind(client))
      await server.stop('SIGTERM')
      assert.deepEqual(await closed, [{ code: 1001, reason: 'The server is stopping.', willReconnect: true }])
      await reached(client, 'reconnecting')
      server = await spawnServer({ port })
      await reached(client, 'open')
      client.close(3001, 'done')
      assert.deepEqual(states, ['connecting', 'open', 'reconnecting', 'open', 'closed'])
    })
  } finally {
    await server.stop('SIGKILL')
  }
})

test('C2 a client connects as soon as there is a server, however late that is', async () => {
  const port = await freePort()
  const gone = await spawnServer({ port })
  await gone.stop('SIGKILL')
  await withClientsOf(gone, async ({ connect }) => {
    const client = connect({ backoff: { base: 5, max: 20 } })
    const states = statesOf(client)
    const publishing = client.join('africa').publish('chat.message', says('early'))
    const server = await spawnServer({ port })
    try {
      assert.equal((await publishing).seq, 1)
      assert.deepEqual(states, ['connecting', 'open'])
    } finally {
      client.close()
      await server.stop('SIGKILL')
    }
  })
})

for (const code of [1001, 1005, 1006, 1011, 1012, 1013, 4000, 4499]) {
  test(`C2 close code ${code} is followed by a reconnect`, () =>
    withClient({}, async ({ connect }) => {
      const tamper: Tamper = { sockets: [] }
      const client = connect({ WebSocket: tamperedWebSocket(tamper) })
      await reached(client, 'open')
      closeWith(tamper, code)
      assert.equal(client.state, 'reconnecting')
      await reached(client, 'open')
      tamper.sockets[0]!.close()
    }))
}

for (const code of [1000, 1002, 1003, 1007, 1008, 1009, 1010, 4500, 4999]) {
  test(`C2 close code ${code} ends the client, and its calls reject with closed`, () =>
    withClient({}, async ({ connect }) => {
      const tamper: Tamper = { sockets: [], incoming: (envelope) => envelope.type === 'ack' ? undefined : envelope }
      const client = connect({ WebSocket: tamperedWebSocket(tamper) })
      const publishing = client.join('africa').publish('chat.message', says('x'))
      await reached(client, 'open')
      const closed = once(client.onClose.bind(client))
      closeWith(tamper, code)
      assert.deepEqual(await closed, [{ code, reason: 'because', willReconnect: false }])
      assert.equal(client.state, 'closed')
      await assert.rejects(publishing, failsWith('closed'))
      tamper.sockets[0]!.close()
    }))
}

test('close is final: calls reject with closed, nothing is tried again, and connect() starts anew', () =>
  withClient({}, async ({ connect, server }) => {
    const tamper: Tamper = { sockets: [], incoming: (envelope) => envelope.type === 'ack' ? undefined : envelope }
    const client = connect({ WebSocket: tamperedWebSocket(tamper) })
    const room = client.join('africa')
    const transcript = new Transcript(room)
    const publishing = [room.publish('chat.message', says('1')), room.publish('chat.message', says('2'))]
    const request = room.request('chat.stats', {})
    await transcript.has(2)
    await request
    client.close()
    assert.equal(client.state, 'closed')
    for (const publish of publishing) await assert.rejects(publish, failsWith('closed'))
    await assert.rejects(room.publish('chat.message', says('3')), failsWith('closed'))
    await assert.rejects(room.request('chat.stats', {}), failsWith('closed'))
    await assert.rejects(room.history().next(), failsWith('closed'))
    client.close()
    tamper.incoming = undefined
    client.connect()
    assert.equal((await room.publish('chat.message', says('4'))).seq, 3)
    await transcript.has(3)
    assert.deepEqual(transcript.texts, ['1', '2', '4'])
    assert.equal(tamper.sockets.length, 2)
    assert.ok(server.isAlive())
  }))

test('a code or a reason that cannot be sent is refused, and the client stays open', () =>
  withClient({}, async ({ connect }) => {
    const client = connect()
    await reached(client, 'open')
    for (const code of [1001, 999, 2999, 5000, NaN]) {
      assert.throws(() => client.close(code), failsWith('invalid_config'))
    }
    assert.throws(() => client.close(1000, 'ä'.repeat(62)), failsWith('invalid_config'))
    assert.equal(client.state, 'open')
  }))

test('C3 a server that falls silent is found out by the heartbeat, and the client comes back when it can', () =>
  withClient({}, async ({ connect, server }) => {
    const client = connect({ heartbeat: { interval: 50, timeout: 100 }, connectTimeout: 300 })
    const room = client.join('africa')
    await room.publish('chat.message', says('before'))
    const closed = once(client.onClose.bind(client))
    process.kill(server.process.pid!, 'SIGSTOP')
    assert.deepEqual(await closed, [{ code: 1006, reason: 'The server has fallen silent.', willReconnect: true }])
    const publishing = room.publish('chat.message', says('meanwhile'))
    process.kill(server.process.pid!, 'SIGCONT')
    assert.equal((await publishing).seq, 2)
  }))

test('C3 a quiet connection stays open, kept by pings alone', () =>
  withClient({ limits: { idleTimeout: 0.3, pingInterval: 0 } }, async ({ connect }) => {
    const tamper: Tamper = { sockets: [] }
    let pongs = 0
    const enough = new Promise<void>((resolve) => {
      tamper.incoming = (envelope) => {
        if (envelope.type === 'session.pong' && ++pongs === 8) resolve()
        return envelope
      }
    })
    const client = connect({ WebSocket: tamperedWebSocket(tamper), heartbeat: { interval: 100, timeout: 5_000 } })
    await enough
    assert.equal(client.state, 'open')
    assert.equal(tamper.sockets.length, 1)
  }))

test('an attempt that is not welcomed in time is given up, and made again', () =>
  withClient({}, async ({ connect }) => {
    let lose = 2
    const tamper: Tamper = {
      sockets: [],
      incoming: (envelope) => envelope.type === 'session.welcome' && lose-- > 0 ? undefined : envelope,
    }
    const client = connect({ WebSocket: tamperedWebSocket(tamper), connectTimeout: 150 })
    await reached(client, 'open')
    assert.ok(tamper.sockets.length >= 3)
  }))

test('C2 a server that drains is left at a moment within its window, and the next connection goes on', () =>
  withClient({}, async ({ connect }) => {
    const tamper: Tamper = { sockets: [] }
    const client = connect({ WebSocket: tamperedWebSocket(tamper), backoff: { base: 60_000, max: 60_000 } })
    const room = client.join('africa')
    const transcript = new Transcript(room)
    await room.publish('chat.message', says('1'))
    const moved = once((handler: (state: string) => void) => client.onState(handler), (state) => state === 'open')
    const drain = JSON.stringify({ type: 'session.drain', payload: { window: 100 } })
    tamper.sockets[0]!.onmessage!(new MessageEvent('message', { data: drain }))
    await moved
    assert.equal(tamper.sockets.length, 2)
    await room.publish('chat.message', says('2'))
    await transcript.has(2)
    assert.deepEqual(transcript.seqs, range(1, 2))
  }))

test('the event "online" makes a waiting client try at once', async () => {
  if (typeof globalThis.addEventListener !== 'function') return
  const port = await freePort()
  let server = await spawnServer({ port })
  try {
    await withClientsOf(server, async ({ connect }) => {
      const client = connect({ backoff: { base: 3_600_000, max: 3_600_000 } })
      await reached(client, 'open')
      await server.stop('SIGKILL')
      await reached(client, 'reconnecting')
      server = await spawnServer({ port })
      globalThis.dispatchEvent(new Event('online'))
      await reached(client, 'open')
    })
  } finally {
    await server.stop('SIGKILL')
  }
})
