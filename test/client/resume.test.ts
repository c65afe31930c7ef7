import assert from 'node:assert/strict'
import { join } from 'node:path'
import test from 'node:test'
import { freePort } from '../support/free_port.ts'
import { spawnServer } from '../support/spawn_server.ts'
import { type Tamper, tamperedWebSocket } from '../support/tampered_socket.ts'
import { tempDir } from '../support/temp_dir.ts'
import { once, range, says, Transcript, withClient, withClientsOf } from '../support/with_client.ts'

test(
  'I3 I4 kill -9 of the server while publishing loses nothing and doubles nothing',
  { timeout: 60_000 },
  async () => {
    const dir = await tempDir()
    const options = { port: await freePort(), database: `file:${join(dir.path, 'rotunda.db')}` }
    let server = await spawnServer(options)
    try {
      await withClientsOf(server, async ({ connect }) => {
        const writer = connect().join('africa')
        const transcript = new Transcript(connect().join('africa', { last: 10_000 }))
        const places: Promise<{ seq: number }>[] = []
        const publish = (count: number) => {
          for (let i = 0; i < count; i++) places.push(writer.publish('chat.message', says(`${places.length + 1}`)))
        }
        publish(1)
        await places[0]
        for (let round = 0; round < 3; round++) {
          publish(2_000)
          await transcript.has(round * 2_000 + 300)
          await server.stop('SIGKILL')
          publish(5)
          server = await spawnServer(options)
        }
        const seqs = (await Promise.all(places)).map(({ seq }) => seq)
        const count = places.length
        await transcript.has(count)
        assert.deepEqual(seqs, range(1, count))
        assert.deepEqual(transcript.seqs, range(1, count))
        assert.deepEqual(transcript.texts, range(1, count).map(String))
      })
    } finally {
      await server.stop('SIGKILL')
      await dir.remove()
    }
  },
)

test('a client that was offline gets what it missed, from its cursor', () =>
  withClient({}, async ({ connect }) => {
    const client = connect()
    const room = client.join('africa', { last: 5 })
    const transcript = new Transcript(room)
    const writer = connect().join('africa')
    await writer.publish('chat.message', says('1'))
    await transcript.has(1)
    client.close()
    for (const n of range(2, 300)) void writer.publish('chat.message', says(`${n}`))
    await writer.publish('chat.message', says('301'))
    assert.deepEqual(transcript.seqs, [1])
    client.connect()
    await transcript.has(301)
    assert.deepEqual(transcript.seqs, range(1, 301))
    assert.equal(client.join('africa'), room)
  }))

test('the cursor is advanced before handlers are called', () =>
  withClient({ seed: { room: 'africa', messages: 20, trimmed: 0 } }, async ({ connect }) => {
    const room = connect().join('africa', { last: 20 })
    assert.equal(room.cursor, undefined)
    const cursors: unknown[] = []
    room.on('chat.message', ({ seq }) => cursors.push([seq, room.cursor?.seq]))
    await new Transcript(room).has(20)
    assert.deepEqual(cursors, range(1, 20).map((seq) => [seq, seq]))
  }))

test('a cursor that was kept goes on where it stands', () =>
  withClient({ seed: { room: 'africa', messages: 20, trimmed: 0 } }, async ({ connect }) => {
    const first = connect().join('africa')
    await once(first.onJoined.bind(first))
    const since = { epoch: first.cursor!.epoch, seq: 12 }
    const transcript = new Transcript(connect().join('africa', { since }))
    await transcript.has(8)
    assert.deepEqual(transcript.seqs, range(13, 20))
  }))

test('a lost frame is a hole: what came after it waits until the missing messages are fetched', () =>
  withClient({}, async ({ connect }) => {
    const asked: unknown[] = []
    const tamper: Tamper = {
      sockets: [],
      incoming: (envelope) => [3, 4, 8].includes(envelope.seq ?? 0) ? undefined : envelope,
      outgoing: (envelopes) => {
        asked.push(...envelopes.filter(({ type }) => type === 'room.history').map(({ payload }) => payload))
      },
    }
    const room = connect({ WebSocket: tamperedWebSocket(tamper) }).join('africa')
    const transcript = new Transcript(room)
    await once(room.onJoined.bind(room))
    const writer = connect().join('africa')
    for (const n of range(1, 10)) await writer.publish('chat.message', says(`${n}`))
    await transcript.has(10)
    assert.deepEqual(transcript.texts, range(1, 10).map(String))
    assert.deepEqual(asked[0], { after: 2, limit: 200 })
    assert.equal(tamper.sockets.length, 1)
  }))

test('a hole larger than one history answer is closed page by page', () =>
  withClient({ seed: { room: 'africa', messages: 1_500, trimmed: 0 } }, async ({ connect }) => {
    const tamper: Tamper = {
      sockets: [],
      incoming: (envelope) => (envelope.seq ?? 0) > 10 && envelope.seq! <= 1_500 ? undefined : envelope,
    }
    const room = connect({ WebSocket: tamperedWebSocket(tamper) }).join('africa', { last: 1_500 })
    const transcript = new Transcript(room)
    await transcript.has(10)
    await room.publish('chat.message', says('newest'))
    await transcript.has(1_501)
    assert.deepEqual(transcript.seqs, range(1, 1_501))
  }))

test('a message that comes twice, or late, is delivered once', () =>
  withClient({}, async ({ connect }) => {
    const tamper: Tamper = { sockets: [] }
    const room = connect({ WebSocket: tamperedWebSocket(tamper) }).join('africa')
    const transcript = new Transcript(room)
    const first = once((handler: () => void) => room.on('chat.message', handler))
    let frame: { id: string; seq: number } | undefined
    tamper.incoming = (envelope) => {
      if (envelope.seq === 1) frame = envelope as typeof frame
      // The second message's place is taken by the first one, once more.
      if (envelope.seq === 2 && frame !== undefined) {
        tamper.incoming = undefined
        return frame as unknown as typeof envelope
      }
      return envelope
    }
    await room.publish('chat.message', says('1'))
    await first
    await room.publish('chat.message', says('2'))
    await room.publish('chat.message', says('3'))
    await transcript.has(3)
    assert.deepEqual(transcript.texts, ['1', '2', '3'])
  }))

test('messages that were removed are told as a gap, and delivery goes on behind them', () =>
  withClient({ seed: { room: 'africa', messages: 40, trimmed: 30 } }, async ({ connect }) => {
    const first = connect().join('africa')
    await once(first.onJoined.bind(first))
    const { epoch } = first.cursor!
    const room = connect().join('africa', { since: { epoch, seq: 12 } })
    const told: unknown[] = []
    room.onGap((gap) => told.push(gap, room.cursor))
    room.on('chat.message', ({ seq }) => told.push(seq))
    await new Transcript(room).has(10)
    assert.deepEqual(told, [
      {
        code: 'history_trimmed',
        message: 'Messages 13 to 30 of this room were removed.',
        missed: { from: 13, to: 30 },
        cursor: 30,
        epoch,
      },
      { epoch, seq: 30 },
      ...range(31, 40),
    ])
  }))

test('a gap that is found while a hole is being fetched is told the same way', () =>
  withClient({ seed: { room: 'africa', messages: 40, trimmed: 30 } }, async ({ connect }) => {
    const first = connect().join('africa')
    await once(first.onJoined.bind(first))
    const { epoch } = first.cursor!
    let lost = 1
    const tamper: Tamper = {
      sockets: [],
      incoming: (envelope) => {
        const isLost = envelope.type === 'room.gap' ? lost-- > 0 : (envelope.seq ?? 41) < 41
        return isLost ? undefined : envelope
      },
    }
    const room = connect({ WebSocket: tamperedWebSocket(tamper) }).join('africa', { since: { epoch, seq: 12 } })
    const transcript = new Transcript(room)
    const gap = once(room.onGap.bind(room))
    await once(room.onJoined.bind(room))
    await room.publish('chat.message', says('newest'))
    await transcript.has(11)
    assert.deepEqual((await gap)[0].missed, { from: 13, to: 30 })
    assert.deepEqual(transcript.seqs, range(31, 41))
  }))

test('a log of another epoch is told as a gap and read from its start, also after a reconnect', async () => {
  const port = await freePort()
  let server = await spawnServer({ port, seed: { room: 'africa', messages: 5, trimmed: 0 } })
  try {
    await withClientsOf(server, async ({ connect }) => {
      const room = connect().join('africa', { last: 2 })
      const transcript = new Transcript(room)
      await transcript.has(2)
      const before = room.cursor!.epoch
      const told = once(room.onGap.bind(room))
      await server.stop('SIGKILL')
      server = await spawnServer({ port, seed: { room: 'africa', messages: 3, trimmed: 0 } })
      const [gap] = await told
      assert.deepEqual([gap.code, gap.cursor, gap.missed], ['epoch_changed', 0, null])
      await transcript.has(5)
      assert.deepEqual(transcript.seqs, [4, 5, 1, 2, 3])
      assert.deepEqual(room.cursor, { epoch: gap.epoch, seq: 3 })
      assert.notEqual(gap.epoch, before)
    })
  } finally {
    await server.stop('SIGKILL')
  }
})

test('a cursor beyond the log is told as a gap, and delivery goes on at its end', () =>
  withClient({ seed: { room: 'africa', messages: 5, trimmed: 0 } }, async ({ connect }) => {
    const first = connect().join('africa')
    await once(first.onJoined.bind(first))
    const room = connect().join('africa', { since: { epoch: first.cursor!.epoch, seq: 99 } })
    const transcript = new Transcript(room)
    const [gap] = await once(room.onGap.bind(room))
    assert.deepEqual([gap.code, gap.cursor], ['cursor_ahead', 5])
    await room.publish('chat.message', says('6'))
    await transcript.has(1)
    assert.deepEqual(transcript.seqs, [6])
  }))
