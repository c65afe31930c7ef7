import assert from 'node:assert/strict'
import { answer, type RotundaError } from '../../../../src/client/mod.ts'
import { presence } from '../../../../src/client/presence/mod.ts'
import { signed } from '../../../support/tokens.ts'
import { once, range, Transcript } from '../../../support/with_client.ts'
import { hi, type Promised } from './promise.ts'

type Told = (handler: (error: RotundaError) => unknown) => () => void

/** The code of the first error that something is told. */
async function errorOf(told: { onError: Told }): Promise<string> {
  return (await once(told.onError.bind(told) as Told))[0].code
}

/** What is promised of sessions: who they are, what they may, what they are asked and told. */
export const SESSION: readonly Promised[] = [
  [
    'X7 a bad token is refused; with a good one the session is who it says, and may what it grants, and no more',
    async ({ connect, turn, room }) => {
      const [readable, closed] = [`private-${room}`, `private-other-${room}`]
      const tokens = [await signed({}, 'another secret of more than 32 bytes')]
      const { client } = connect({ as: 'ana', rooms: { [readable]: 'read' }, tokens })
      const [{ identity }] = await once(client.onOpen.bind(client))
      assert.equal(identity?.subject, 'ana')
      const member = client.join(readable, { last: 1 })
      const refused = client.join(closed)
      assert.equal(await errorOf(refused), 'forbidden')
      refused.leave()
      await assert.rejects(member.publish('chat.message', hi), { code: 'forbidden' })
      await turn()
      const heard = new Transcript(member)
      const writer = connect({ as: 'ben', rooms: { [readable]: 'write' } }).client.join(readable)
      await writer.publish('chat.message', hi)
      await heard.has(1)
      await assert.rejects(member.publish('chat.message', hi), { code: 'forbidden' })
    },
  ],
  [
    'X8 who may not be in a room any more is told so, hears nothing more of it, and cannot come back',
    async ({ connect, turn, server, room: name }) => {
      const room = `fickle-${name}`
      const { client } = connect()
      const member = client.join(room)
      const [heard, beside] = [new Transcript(member), new Transcript(client.join(name))]
      await once(member.onJoined.bind(member))
      const removed = once(member.onRemoved.bind(member))
      const errors: string[] = []
      member.onError(({ code }) => errors.push(code))
      await (await fetch(`${server.url}/forbid?room=${room}`)).text()
      assert.equal((await removed)[0]?.code, 'forbidden')
      await turn()
      await client.join(name).publish('chat.message', hi)
      await beside.has(1)
      await assert.rejects(member.publish('chat.message', hi), { code: 'forbidden' })
      assert.deepEqual(heard.seqs, [])
      assert.ok(errors.every((code) => code === 'forbidden'), `${errors}`)
    },
  ],
  [
    'P3 a request is answered, or said to be lost with its connection',
    async ({ connect, turn, room, name }) => {
      const { client } = connect()
      const member = client.join(room)
      await once(member.onJoined.bind(member))
      const stats = (n: number) => range(1, n).map(() => member.request('chat.stats', {}))
      const asked = Promise.allSettled(stats(10))
      await turn()
      for (const outcome of await asked) {
        if (outcome.status === 'fulfilled') assert.ok(outcome.value.members <= 2)
        else assert.deepEqual([name, outcome.reason.code], ['switching', 'disconnected'])
      }
      await member.publish('chat.message', hi)
      for (const answered of await Promise.all(stats(3))) assert.equal(typeof answered.members, 'number')
    },
  ],
  [
    'P3 the server asks a client and is answered, on each connection',
    async ({ connect, turn, server, obey }) => {
      const { client, session } = connect()
      let asked = 0
      answer(client, 'call.offer', () => ({ accepted: ++asked === 1 }))
      for (const accepted of ['true', 'false']) {
        const id = await session()
        await obey(id, 'ask 20000')
        assert.equal((await server.event({ type: 'answer', session: id, answer: accepted }))['answer'], accepted)
        await turn()
      }
    },
  ],
  [
    'S3 what is sent to a session reaches it alone, what is sent to all reaches everybody; neither without a grant',
    async ({ connect, turn, obey }) => {
      const [from, to, other] = [connect(), connect(), connect()]
      let known = ''
      for (let round = 1; round <= 2; round++) {
        const [sender, receiver] = [await from.session(), await to.session(), await other.session()]
        const typing = { user: `${round}` }
        // What a session was granted is gone with it.
        for (const target of sender === known ? [] : [receiver, '*']) {
          await assert.rejects(from.client.send('chat.typing', typing, { to: target, ack: true }), {
            code: 'forbidden',
          })
        }
        known = sender
        await obey(sender, 'grant * send,broadcast')
        // Those of every client around are heard as well, so only the own ones count.
        const own = ({ from }: { from: string | undefined }) => from === sender
        const heard = once(to.client.on.bind(to.client, 'chat.typing'), own)
        const all = [to, other].map(({ client }) => {
          return once(client.on.bind(client, 'chat.typing'), (message) => own(message) && message.to === '*')
        })
        const elsewhere: unknown[] = []
        const off = other.client.on('chat.typing', (message) => void (own(message) && elsewhere.push(message.to)))
        await from.client.send('chat.typing', typing, { to: receiver, ack: true })
        assert.deepEqual((await heard)[0].payload, typing)
        await from.client.send('chat.typing', typing, { to: '*', ack: true })
        await Promise.all(all)
        assert.deepEqual(elsewhere, ['*'])
        off()
        await turn()
      }
    },
  ],
  [
    'R4 who is present is seen with its state, does not come and go with its connections, and is seen to leave',
    async ({ connect, turn, room, name, beside }) => {
      // Who watches has not been away, and so would see it all.
      const [ana, ben] = ['ana', 'ben'].map((as) => {
        const member = (as === 'ana' ? connect : beside.connect)({ as }).client.join(room)
        return { member, people: presence<string>(member, { state: as }) }
      })
      const { people } = ben!
      const gone: string[] = []
      people.onLeave(({ member }) => gone.push(member))
      const sees = async (expected: Record<string, string>) => {
        const now = () =>
          JSON.stringify([...people.members.values()].map(({ member, state }) => [member, state]).sort())
        const wanted = JSON.stringify(Object.entries(expected).sort())
        if (now() !== wanted) await once(people.onChange.bind(people), () => now() === wanted)
      }
      await sees({ ana: 'ana', ben: 'ben' })
      for (const state of ['1', '2', '3']) {
        const said = ana!.people.set(state)
        await turn()
        await said
        await sees({ ana: state, ben: 'ben' })
      }
      assert.deepEqual(gone, [])
      // Its connections that were cut are given time to come back before it is missed.
      if (name === 'switching') return
      ana!.member.leave()
      await sees({ ben: 'ben' })
      assert.deepEqual(gone, ['ana'])
    },
  ],
]
