import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { longPolling, sse, webSocket } from '../../src/client/transports/mod.ts'
import { once, range, reached, says, Transcript } from '../support/with_client.ts'
import { withProxy } from '../support/with_proxy.ts'

describe('C4 L6 a client that changes its transport', () => {
  for (const first of [sse, longPolling]) {
    const { name } = first()
    test(`goes from ${name} back to WebSocket in mid-stream: nothing lost, doubled, reordered or rejected`, () =>
      withProxy({ upgrades: 'refused' }, async ({ proxy, through, direct }) => {
        const { client, transports, uses } = through({ retry: 300 }, [webSocket(), first()])
        const room = client.join('africa', { last: 0 })
        const heard = new Transcript(room)
        const sessions: string[] = []
        client.onOpen(({ session }) => sessions.push(session))
        const joined = once(room.onJoined.bind(room))
        await uses(name)
        await joined
        const other = direct().join('africa')
        let isOver = false
        let count = 0
        const write = async (to: typeof room, who: string) => {
          for (let n = 1; !isOver; n++) {
            count += 3
            await Promise.all(range(1, 3).map((part) => to.publish('chat.message', says(`${who} ${n}.${part}`))))
          }
        }
        const ask = async () => {
          while (!isOver) await client.request('chat.stats', {}, { room: 'africa' })
        }
        const work = [write(room, 'own'), write(other, 'other'), ask()]
        await heard.has(30)
        proxy.behave({})
        await uses('websocket')
        await heard.has(heard.seqs.length + 60)
        isOver = true
        await Promise.all(work)
        await heard.has(count)
        assert.deepEqual(heard.seqs, range(1, count))
        for (const who of ['own', 'other']) {
          const said = heard.texts.filter((text) => text.startsWith(`${who} `))
          const wanted = range(1, said.length / 3).flatMap((n) => range(1, 3).map((part) => `${who} ${n}.${part}`))
          assert.deepEqual(said, wanted)
        }
        assert.equal(transports.current, 'websocket')
        assert.equal(new Set(sessions).size, 2)
      }))
  }

  test('goes from WebSocket to SSE to long polling, as one after the other is taken from it', () =>
    withProxy({}, async ({ proxy, through, direct }) => {
      const { client, transports, uses } = through({ retry: 60_000 })
      const used: (string | undefined)[] = []
      transports.onChange((name) => used.push(name))
      const room = client.join('africa', { last: 0 })
      const heard = new Transcript(room)
      const joined = once(room.onJoined.bind(room))
      await uses('websocket')
      await joined
      const other = direct().join('africa')
      const say = (text: string) => other.publish('chat.message', says(text))
      await say('over WebSocket')
      await heard.has(1)
      proxy.behave({ upgrades: 'refused' })
      proxy.cut()
      await say('while away')
      await uses('sse')
      await heard.has(2)
      proxy.behave({ upgrades: 'refused', buffers: true })
      proxy.cut()
      await say('while away again')
      await uses('poll')
      await heard.has(3)
      await say('over long polling')
      await heard.has(4)
      assert.deepEqual(heard.seqs, [1, 2, 3, 4])
      assert.deepEqual(used, ['websocket', undefined, 'sse', undefined, 'poll'])
    }))

  test('stays with what works while the first goes on being blocked', () =>
    withProxy({ upgrades: 'swallowed' }, async ({ proxy, through }) => {
      const { client, transports, uses } = through({ retry: 50, maxRetry: 50, patience: 200 })
      await uses('sse')
      proxy.behave({ upgrades: 'refused' })
      const tries = () => proxy.requests.filter((line) => line.includes('/ws')).length
      const before = tries()
      await once(proxy.onConnection, () => tries() >= before + 3)
      assert.equal(transports.current, 'sse')
      assert.equal(client.state, 'open')
    }))

  test('does not leave the WebSocket because its server was restarted', () =>
    withProxy({}, async ({ proxy, through }) => {
      const { client, transports, uses } = through()
      await uses('websocket')
      proxy.cut()
      await reached(client, 'reconnecting')
      await uses('websocket')
      assert.equal(transports.current, 'websocket')
      assert.deepEqual(proxy.requests.filter((line) => !line.includes('/ws')), [])
    }))

  test('leaves a WebSocket that has gone silent for good', () =>
    withProxy({}, async ({ proxy, through }) => {
      const { client, uses } = through({ heartbeat: { interval: 100, timeout: 200 } })
      await uses('websocket')
      proxy.behave({ upgrades: 'swallowed', frozen: true })
      await reached(client, 'reconnecting')
      proxy.behave({ upgrades: 'swallowed' })
      await uses('sse')
    }))

  test('closed while it looks for a better one, it leaves nothing open', () =>
    withProxy({ upgrades: 'refused' }, async ({ proxy, through, direct }) => {
      const { client, transports, uses } = through({ retry: 50 })
      await uses('sse')
      proxy.behave({ upgrades: 'swallowed' })
      const before = proxy.requests.length
      await once(proxy.onConnection, () => proxy.requests.slice(before - 1).length > 0)
      client.close()
      assert.equal(transports.current, undefined)
      assert.equal(client.state, 'closed')
      const other = direct()
      await reached(other, 'open')
      const count = async () => (await other.request('chat.stats', {}, { room: 'africa' })).members
      assert.equal(await count(), 0)
    }))

  test('what never arrived while there was no way at all is sent when there is one, in order', () =>
    withProxy({ silent: true }, async ({ proxy, through }) => {
      const { client, uses } = through({ patience: 50, connectTimeout: 100 })
      const room = client.join('africa', { last: 50 })
      const heard = new Transcript(room)
      const places = range(1, 30).map((n) => room.publish('chat.message', says(`${n}`)))
      proxy.behave({ upgrades: 'refused', buffers: true })
      await uses('poll')
      assert.deepEqual((await Promise.all(places)).map(({ seq }) => seq), range(1, 30))
      await heard.has(30)
      assert.deepEqual(heard.texts, range(1, 30).map(String))
    }))
})
