import assert from 'node:assert/strict'
import { encryption, generateKey, roomKeys } from '../../../../src/client/encryption/mod.ts'
import { once, range, says, Transcript } from '../../../support/with_client.ts'
import { WireClient } from '../../../support/wire_client.ts'
import { hi, type Promised } from './promise.ts'

const TURNS = 5
/** Of about 64 KiB that a message may have, in base64. */
const LARGE = Uint8Array.from({ length: 45_000 }, (_, i) => i * 7)

/** What is promised of a room's log. */
export const LOG: readonly Promised[] = [
  [
    'C3 what is said before and while somebody reads arrives once, in order, and each ack has its place',
    async ({ connect, turn, room, server }) => {
      const writer = connect().client.join(room)
      await Promise.all(range(1, 10).map((n) => writer.publish('chat.message', says(`own ${n}`))))
      const heard = new Transcript(connect().client.join(room, { last: 100 }))
      const foreign = await WireClient.open(server.port)
      const places: { seq: number; text: string }[] = []
      let isOver = false
      let [own, other] = [10, 0]
      const write = async () => {
        while (!isOver) {
          await Promise.all(
            range(1, 5).map(async () => {
              const text = `own ${++own}`
              places.push({ ...await writer.publish('chat.message', says(text)), text })
            }),
          )
        }
      }
      const writeBeside = async () => {
        while (!isOver) {
          foreign.send({ type: 'chat.message', room, ref: 'r', payload: says(`other ${++other}`) })
          await foreign.next({ type: 'ack' })
        }
      }
      const work = Promise.all([write(), writeBeside()])
      // It ends with the clients where something else has failed.
      work.catch(() => {})
      for (let turns = 1; turns <= TURNS; turns++) {
        await heard.has(turns * 20)
        await turn()
      }
      await heard.has(TURNS * 20 + 20)
      isOver = true
      await work
      await heard.has(own + other)
      assert.deepEqual(heard.seqs, range(1, own + other))
      const said = (who: string) => heard.texts.filter((text) => text.startsWith(who))
      assert.deepEqual(said('own'), range(1, own).map((n) => `own ${n}`))
      assert.deepEqual(said('other'), range(1, other).map((n) => `other ${n}`))
      for (const { seq, text } of places) assert.equal(heard.texts[seq - 1], text)
      await foreign.close()
    },
  ],
  [
    'C3 who comes back to its cursor gets what it missed; who leaves hears nothing more, and others do',
    async ({ connect, turn, room }) => {
      const writer = connect().client.join(room)
      const first = connect().client
      const read = first.join(room, { last: 0 })
      const [before, stays] = [new Transcript(read), new Transcript(connect().client.join(room, { last: 100 }))]
      await once(read.onJoined.bind(read))
      await Promise.all(range(1, 5).map((n) => writer.publish('chat.message', says(`${n}`))))
      await before.has(5)
      const { cursor } = read
      read.leave()
      await writer.publish('chat.message', says('6'))
      await stays.has(6)
      first.close()
      await turn()
      await writer.publish('chat.message', says('7'))
      const after = new Transcript(connect().client.join(room, { since: cursor! }))
      await after.has(2)
      await writer.publish('chat.message', says('8'))
      await Promise.all([after.has(3), stays.has(8)])
      assert.deepEqual([before.seqs, after.seqs, stays.seqs], [range(1, 5), range(6, 8), range(1, 8)])
    },
  ],
  [
    'I3 the same key is the same message, whoever sends it again',
    async ({ connect, turn, room, server }) => {
      const [one, two] = [connect().client.join(room), connect().client.join(room)]
      const place = await one.publish('chat.message', hi, { key: 'k' })
      await turn()
      assert.deepEqual(await two.publish('chat.message', hi, { key: 'k' }), place)
      assert.deepEqual(await one.publish('chat.message', hi, { key: 'k' }), place)
      const foreign = await WireClient.open(server.port)
      foreign.send({ type: 'chat.message', room, ref: 'r', key: 'k', payload: hi })
      assert.deepEqual((await foreign.next({ type: 'ack' })).payload, place)
      await foreign.close()
      assert.equal((await two.publish('chat.message', hi, { key: 'another' })).seq, 2)
    },
  ],
  [
    'history is read backwards to its beginning',
    async ({ connect, turn, room }) => {
      const { client } = connect()
      const member = client.join(room)
      await Promise.all(range(1, 25).map((n) => member.publish('chat.message', says(`${n}`))))
      const read: number[] = []
      for await (const { seq } of member.history({ limit: 10 })) {
        read.push(seq)
        if (seq === 20) await turn()
      }
      assert.deepEqual(read, range(1, 25).reverse())
    },
  ],
  [
    'P6 bytes come as they were, as much as a message may have; more is refused and harms nothing',
    async ({ connect, turn, room }) => {
      const writer = connect().client.join(room)
      const live: Uint8Array[] = []
      const heard = Promise.withResolvers<void>()
      connect().client.join(room, { last: 5 }).on('file.chunk', ({ payload }) => {
        live.push(payload)
        if (live.length === 3) heard.resolve()
      })
      await writer.publish('file.chunk', LARGE)
      await assert.rejects(writer.publish('file.chunk', new Uint8Array(70_000)), { code: 'message_too_big' })
      const last = writer.publish('file.chunk', LARGE.subarray(1, 3))
      await turn()
      await last
      await writer.publish('file.chunk', new Uint8Array(0))
      await heard.promise
      assert.deepEqual(live, [LARGE, LARGE.subarray(1, 3), new Uint8Array(0)].map((bytes) => new Uint8Array(bytes)))
    },
  ],
  [
    'an encrypted room is read by who has the key, and takes no plaintext',
    async ({ connect, turn, room: name }) => {
      const room = `secret-${name}`
      const cipher = encryption(roomKeys({ current: 'k', keys: { k: generateKey() } }))
      const [ana, ben] = [1, 2].map(() => connect().client.join(room, { cipher, last: 10 }))
      const heard = new Transcript(ben!)
      await assert.rejects(connect().client.join(room).publish('chat.message', hi), { code: 'plaintext_refused' })
      for (const n of range(1, 3)) {
        await ana!.publish('chat.message', says(`${n}`))
        await turn()
      }
      await heard.has(3)
      assert.deepEqual(heard.texts, ['1', '2', '3'])
    },
  ],
  [
    'ephemeral events keep their place among the others, and none comes twice',
    async ({ connect, turn, room, name }) => {
      const [writer, reader] = [connect().client.join(room), connect().client.join(room)]
      const heard: number[] = []
      reader.on('chat.typing', ({ payload }) => void heard.push(Number(payload.user)))
      const marks = new Transcript(reader)
      await once(reader.onJoined.bind(reader))
      for (const n of range(1, 30)) {
        writer.publish('chat.typing', { user: `${n}` })
        const turned = n % 10 === 0 ? turn() : undefined
        await writer.publish('chat.message', says(`${n}`))
        await marks.has(n)
        // What is never stored is lost with its connection, and with nothing else.
        if (name !== 'switching') assert.equal(heard.at(-1), n)
        await turned
      }
      for (const [i, n] of heard.entries()) assert.ok(i === 0 || n > heard[i - 1]!, `${heard}`)
      assert.ok(heard.length >= 20, `${heard}`)
    },
  ],
]
