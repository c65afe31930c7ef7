import { Buffer } from 'node:buffer'
import assert from 'node:assert/strict'
import { clientFrame, handshake, RawSocket } from '../../support/raw_socket.ts'
import type { HostName, SpawnedServer } from '../../support/spawn_server.ts'
import { WireClient } from '../../support/wire_client.ts'
import { onDeno, ownsServer, row, served } from './rows.ts'

/** Opcodes of frames. */
const TEXT = 1
const BINARY = 2

/** What `!info` tells of a connection. */
export interface RawInfo {
  readonly id: string
  readonly remoteAddress: string
  readonly remotePort: number
  readonly connectedAt: number
  readonly now: number
  readonly state: string
  readonly mode: string
  readonly subprotocol?: string
  readonly metadata: { readonly path: string; readonly agent: string }
  readonly metrics: Record<string, number>
}

/** Connects to a raw service. */
export async function openRaw(
  port: number,
  path = '/raw',
  headers: Record<string, string> = {},
): Promise<RawSocket> {
  const raw = await RawSocket.open(port)
  raw.write(handshake(headers, { path }))
  assert.equal((await raw.response()).status, 101)
  return raw
}

/** The next frame, as its opcode and what it carries as text. */
export async function heard(raw: RawSocket): Promise<[opcode: number, text: string]> {
  const { opcode, payload } = await raw.frame()
  return [opcode, payload.toString()]
}

export async function infoOf(raw: RawSocket): Promise<RawInfo> {
  raw.write(clientFrame(TEXT, '!info'))
  return JSON.parse((await heard(raw))[1]) as RawInfo
}

/** Connections that are not the hub's, at other paths of the same port. */
export function rawServices(host: HostName): void {
  row(host, 'raw', (test) => {
    const server = served({ host, events: true, raw: {}, limits: { pingInterval: 0 } })

    test('P8 the frames of one path are the raw service’s, those of another the hub’s', async () => {
      const raw = await openRaw(server().port)
      const client = await WireClient.open(server().port)
      raw.write(clientFrame(TEXT, '{"type":"session.ping","ref":"1"}'))
      assert.deepEqual(await heard(raw), [BINARY, '{"type":"session.ping","ref":"1"}'])
      await client.ping()
      const sessions = await server().sessions()
      const { connections } = await (await fetch(`${server().url}/health`)).json() as { connections: number }
      assert.deepEqual([sessions, connections], [1, 2])
      raw.destroy()
      await client.close()
    })

    test('P8 a path that no service has is the application’s, and a request that is no handshake is refused', async () => {
      const status = async (path: string) => {
        const response = await fetch(server().url + path)
        await response.body?.cancel()
        return response.status
      }
      assert.deepEqual([await status('/raw/none'), await status('/raw/'), await status('/raw')], [404, 404, 400])
    })

    test('P8 data is sent in binary frames until setText, in text frames until setBinary', async () => {
      const raw = await openRaw(server().port)
      for (const [opcode, kind] of [[TEXT, 'string'], [BINARY, 'Uint8Array']] as const) {
        raw.write(clientFrame(opcode, 'ü €'))
        assert.deepEqual(await heard(raw), [BINARY, 'ü €'])
        await server().event({ type: 'raw', what: 'data', kind, same: true })
      }
      raw.write(clientFrame(TEXT, '!text'))
      for (const opcode of [TEXT, BINARY]) {
        for (const text of ['ü €', '', '\ufeffmarked', 'x'.repeat(60_000)]) {
          raw.write(clientFrame(opcode, text))
          assert.deepEqual(await heard(raw), [TEXT, text])
        }
      }
      for (const command of ['!lone', '!binary', '!lone']) raw.write(clientFrame(TEXT, command))
      for (const opcode of [TEXT, BINARY]) assert.deepEqual(await heard(raw), [opcode, '\ufffd'])
      for (const bytes of [[0, 255, 1], []]) {
        raw.write(clientFrame(BINARY, new Uint8Array(bytes)))
        const { opcode, payload } = await raw.frame()
        assert.deepEqual([opcode, [...payload]], [BINARY, bytes])
      }
      raw.destroy()
    })

    test('P8 a frame without content is sent like another', async () => {
      const raw = await openRaw(server().port)
      const { id: session } = await infoOf(raw)
      raw.write(clientFrame(TEXT, '!fill 2 0'))
      for (let i = 0; i < 2; i++) assert.deepEqual(await heard(raw), [BINARY, ''])
      assert.equal((await server().event({ type: 'raw', session, what: 'filled' }))['results'], 'accepted')
      raw.destroy()
    })

    test('P8 bytes that are not UTF-8 are not sent as text: an error to who sends, and the connection lives', async () => {
      const raw = await openRaw(server().port)
      raw.write(clientFrame(TEXT, '!text'))
      raw.write(clientFrame(TEXT, '!bytes 195,40'))
      assert.deepEqual(await heard(raw), [TEXT, 'invalid_payload'])
      raw.write(clientFrame(TEXT, '!bytes 195,188'))
      assert.deepEqual(await heard(raw), [TEXT, 'ü'])
      raw.write(clientFrame(TEXT, '!binary'))
      raw.write(clientFrame(TEXT, '!bytes 195,40'))
      assert.deepEqual([...(await raw.frame()).payload], [195, 40])
      raw.destroy()
    })

    test('P8 a read gets the next frame, or rejects when none comes in time; then data handlers get them', async () => {
      const raw = await openRaw(server().port)
      raw.write(clientFrame(TEXT, '!read 60000'))
      raw.write(clientFrame(TEXT, '!throw is read, not obeyed'))
      assert.equal((await heard(raw))[1], 'read !throw is read, not obeyed')
      raw.write(clientFrame(TEXT, '!read 20'))
      assert.equal((await heard(raw))[1], 'timeout')
      raw.write(clientFrame(TEXT, 'again'))
      assert.equal((await heard(raw))[1], 'again')
      raw.write(clientFrame(TEXT, '!read -1'))
      assert.equal((await heard(raw))[1], 'invalid_config')
      raw.destroy()
    })

    test('P8 a loop gets frame after frame in order, and ends when the client leaves', async () => {
      const raw = await openRaw(server().port, '/raw/loop')
      const sent = Array.from({ length: 50 }, (_, i) => `frame ${i}`)
      raw.write(Buffer.concat(sent.map((text) => clientFrame(TEXT, text))))
      for (const [i, text] of sent.entries()) assert.deepEqual(await heard(raw), [TEXT, `${i + 1} ${text}`])
      raw.write(Buffer.concat([clientFrame(TEXT, 'last'), clientFrame(8, new Uint8Array([3, 232]))]))
      const { read } = await server().event({ type: 'raw', what: 'loop ended' })
      assert.deepEqual(read, [...sent, 'last'])
      raw.destroy()
    })

    test('P8 what comes before there is a handler waits for it, in order, also when the client has left meanwhile', () => {
      return late(server())
    })

    test('P8 a message in fragments is one, with a ping between them answered', async () => {
      const raw = await openRaw(server().port)
      raw.write(clientFrame(BINARY, 'first ', { fin: false }))
      raw.write(clientFrame(9, 'between'))
      raw.write(clientFrame(0, 'second'))
      assert.deepEqual(await heard(raw), [10, 'between'])
      assert.deepEqual(await heard(raw), [BINARY, 'first second'])
      raw.destroy()
    })

    test('P8 a connection has a UUID, its client’s address, what was made of the request, times and counts', async () => {
      const raw = await openRaw(server().port, '/raw?x=1', { 'User-Agent': 'the raw one' })
      raw.write(clientFrame(BINARY, '€'))
      await raw.frame()
      const { id, metadata, metrics, now, ...rest } = await infoOf(raw)
      assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
      assert.deepEqual(metadata, { path: '/raw', agent: 'the raw one' })
      assert.deepEqual(rest, {
        remoteAddress: '127.0.0.1',
        remotePort: raw.socket.localPort,
        connectedAt: metrics['connectedAt'],
        state: 'open',
        mode: 'binary',
      })
      const { framesIn, bytesIn, framesOut, bytesOut, ...times } = metrics
      assert.deepEqual({ framesIn, bytesIn, framesOut, bytesOut }, {
        framesIn: 2,
        bytesIn: 3 + '!info'.length,
        framesOut: 1,
        bytesOut: 3,
      })
      assert.deepEqual(Object.keys(times), ['connectedAt', 'lastReceivedAt', 'lastPingAt', 'lastPongAt'])
      for (const time of Object.values(times)) assert.ok(time > now - 60_000 && time <= now, `${time}`)
      const other = await openRaw(server().port)
      assert.notEqual((await infoOf(other)).id, id)
      raw.destroy()
      other.destroy()
    })

    test('P8 the first subprotocol offered that the service speaks is chosen, none of unknown ones', async () => {
      for (
        const [offered, chosen] of [
          ['raw.v3, raw.v2,raw.v1', 'raw.v2'],
          ['rotunda.v1.json', undefined],
        ] as const
      ) {
        const raw = await RawSocket.open(server().port)
        raw.write(handshake({ 'Sec-WebSocket-Protocol': offered }, { path: '/raw' }))
        assert.equal((await raw.response()).headers.get('sec-websocket-protocol'), chosen)
        assert.equal((await infoOf(raw)).subprotocol, chosen)
        raw.destroy()
      }
    })

    test('P8 a service refuses a request before the upgrade, with the status of its error', async () => {
      const raw = await RawSocket.open(server().port)
      raw.write(handshake({ 'User-Agent': 'refuse me' }, { path: '/raw' }))
      const { status, body } = await raw.response()
      assert.equal(status, 403)
      assert.deepEqual(JSON.parse(body).payload, { code: 'forbidden', message: 'not you', retryable: false })
      raw.destroy()
    })

    if (ownsServer(host)) {
      test('P8 in a Hono app metadata comes from the context, where middleware has left its results', async () => {
        const raw = await openRaw(server().port, '/raw/context')
        assert.deepEqual(await heard(raw), [BINARY, 'hello'])
        raw.destroy()
      })
    }

    test('T6 pings and pongs of both sides', async () => {
      const raw = await openRaw(server().port)
      const { id: session } = await infoOf(raw)
      raw.write(clientFrame(9, 'mine'))
      assert.deepEqual(await heard(raw), [10, 'mine'])
      raw.write(clientFrame(TEXT, '!ping 1,2,3'))
      if (onDeno(host)) {
        assert.equal((await heard(raw))[1], 'pinged false')
      } else {
        const { opcode, payload } = await raw.frame()
        assert.deepEqual([opcode, [...payload]], [9, [1, 2, 3]])
        assert.equal((await heard(raw))[1], 'pinged true')
        raw.write(clientFrame(10, payload))
        assert.deepEqual((await server().event({ type: 'raw', session, what: 'pong' }))['data'], [1, 2, 3])
        const { metrics } = await infoOf(raw)
        assert.ok(metrics['lastPongAt']! >= metrics['lastPingAt']!)
        assert.deepEqual((await server().event({ type: 'raw', session, what: 'ping' }))['data'], [
          ...Buffer.from('mine'),
        ])
      }
      raw.destroy()
    }, { substitute: onDeno(host) && 'no-ping' })

    test('after all of which the process lives and has logged nothing', () => {
      assert.ok(server().isAlive())
      assert.equal(server().stderr(), '')
    })
  })
}

async function late(server: SpawnedServer): Promise<void> {
  const [staying, leaving] = await Promise.all([openRaw(server.port, '/raw/late'), openRaw(server.port, '/raw/late')])
  for (const raw of [staying, leaving]) {
    await raw.frame()
    raw.write(Buffer.concat(['1', '2', 'last'].map((text) => clientFrame(TEXT, text))))
  }
  leaving.write(clientFrame(8, new Uint8Array([16, 225])))
  const { session } = await server.event({ type: 'raw', what: 'close', code: 4321, same: true })
  assert.equal((await fetch(`${server.url}/open`)).status, 200)
  assert.deepEqual((await server.event({ type: 'raw', session: session!, what: 'read' }))['read'], ['1', '2', 'last'])
  for (const text of ['1', '2', 'last']) assert.deepEqual(await heard(staying), [TEXT, text])
  staying.destroy()
  leaving.destroy()
}
