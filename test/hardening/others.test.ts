import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createHub, memoryStore } from '../../src/mod.ts'
import type { Envelope } from '../../src/protocol/mod.ts'
import { fixture } from '../support/hosts/fixture_protocol.ts'
import { MemoryHost, MemoryPeer } from '../support/memory_peer.ts'
import { withServer } from '../host/conformance/rows.ts'
import { type SpawnedServer } from '../support/spawn_server.ts'
import { WireClient } from '../support/wire_client.ts'
import { RUNTIMES } from './attacked.ts'

const hi = { user: 'a', text: 'hi' }

/** Opens a session over long polling; gives its id and its credential. */
async function polled({ url }: SpawnedServer): Promise<{ id: string; credential: string }> {
  const opened = await fetch(`${url}/poll?room=r`, { method: 'POST' })
  const [welcome] = await opened.json() as { payload: { session: string; credential: string } }[]
  return { id: welcome!.payload.session, credential: welcome!.payload.credential }
}

/** What `POST /send` and `GET /poll` answer to who says that it is this session. */
async function speakAs({ url }: SpawnedServer, credential: string): Promise<number[]> {
  const headers = { 'content-type': 'application/json', 'rotunda-session': credential }
  const body = JSON.stringify({ type: 'chat.message', room: 'r', ref: 'x', payload: hi })
  const sent = await fetch(`${url}/send`, { method: 'POST', headers, body })
  const read = await fetch(`${url}/poll`, { headers: { 'rotunda-session': credential } })
  const ended = await fetch(`${url}/poll`, { method: 'DELETE', headers: { 'rotunda-session': credential } })
  for (const response of [sent, read, ended]) await response.body?.cancel()
  return [sent.status, read.status, ended.status]
}

for (const host of RUNTIMES) {
  describe(`${host}: others`, () => {
    test('an answer to what another session was asked is no answer', () => {
      return withServer({ host, events: true }, async (server) => {
        const [asked, forger] = [await WireClient.open(server.port), await WireClient.open(server.port)]
        const id = await asked.session()
        asked.send('!ask 20000')
        const { ref } = await asked.next({ type: 'call.offer', kind: 'request' })
        for (const type of ['call.offer', 'error']) {
          forger.send({ type, kind: 'reply', ref, from: id, to: id, payload: { accepted: false } })
        }
        await forger.ping()
        asked.send({ type: 'call.offer', kind: 'reply', ref, payload: { accepted: true } })
        assert.equal((await server.event({ type: 'answer', session: id }))['answer'], 'true')
        for (const client of [asked, forger]) await client.close()
      })
    })

    test('who sends, when, and where it stands in the log is the server’s word', () => {
      return withServer({ host }, async (server) => {
        const [writer, reader] = [await WireClient.open(server.port), await WireClient.open(server.port)]
        const [own, other] = [await writer.session(), await reader.session()]
        reader.send({ type: 'room.join', room: 'r', ref: 'j' })
        await reader.next({ ref: 'j' })
        const forged = {
          from: other,
          id: '9'.repeat(20),
          seq: 999,
          ts: 1,
          kind: 'reply?',
          token: 'secret',
          to: undefined,
        }
        for (const type of ['chat.message', 'chat.typing']) {
          const payload = type === 'chat.typing' ? { user: 'a' } : hi
          writer.send({ ...forged, type, room: 'r', key: 'my-key', payload })
          const got = await reader.next({ type })
          assert.equal(got.from, own)
          assert.notEqual(got.seq, 999)
          assert.notEqual(got.ts, 1)
        }
        const history = await (await fetch(`${server.url}/rooms/r/history`)).text()
        for (const text of [...reader.frames, history]) {
          assert.doesNotMatch(text, /my-key/, 'readers never see producer keys')
          assert.doesNotMatch(text, /secret/, 'nor tokens')
        }
        for (const client of [writer, reader]) await client.close()
      })
    })

    test('presence: a member is who the server says, whatever the state says', () => {
      return withServer({ host }, async (server) => {
        const [victim, forger] = [await WireClient.open(server.port), await WireClient.open(server.port)]
        const [id, own] = [await victim.session(), await forger.session()]
        for (const client of [victim, forger]) {
          client.send({ type: 'room.join', room: 'r', ref: 'j' })
          await client.next({ ref: 'j' })
        }
        forger.send({
          type: 'presence.set',
          room: 'r',
          ref: 's',
          member: id,
          from: id,
          payload: { member: id, state: { member: id } },
        })
        assert.deepEqual((await forger.next({ ref: 's' })).payload, { member: own })
        for (const client of [victim, forger]) await client.close()
      })
    })

    test('to one session or to all past the rooms: refused without a grant', () => {
      return withServer({ host }, async (server) => {
        const [victim, sender] = [await WireClient.open(server.port), await WireClient.open(server.port)]
        const id = await victim.session()
        for (const [to, ref] of [[id, 'one'], ['*', 'all'], ['00000000-0000-4000-8000-000000000000', 'none']]) {
          sender.send({ type: 'chat.typing', to, ref, payload: { user: 'x' } })
          assert.equal((await sender.errorOf(ref)).code, 'forbidden', 'and the same whether there is such a session')
        }
        await victim.ping()
        assert.deepEqual(victim.unread.filter(({ type }) => type === 'chat.typing'), [])
        for (const client of [victim, sender]) await client.close()
      })
    })

    test('SSE and long polling: an id that all may see, or half a credential, speaks for nobody', () => {
      return withServer({ host }, async (server) => {
        const [mine, theirs] = [await polled(server), await polled(server)]
        const secretOf = (credential: string) => credential.slice(credential.indexOf('.') + 1)
        const wrong = [
          theirs.id,
          `${theirs.id}.`,
          `${theirs.id}.${secretOf(mine.credential)}`,
          `${mine.id}.${secretOf(theirs.credential)}`,
          theirs.credential.slice(0, -1),
          `${theirs.credential}x`,
          theirs.credential.toUpperCase(),
          'undefined.undefined',
          '.',
          '__proto__.x',
        ]
        for (const credential of wrong) assert.deepEqual(await speakAs(server, credential), [404, 404, 404], credential)
        assert.equal((await speakAs(server, theirs.credential))[0], 202, 'the session lives and is its owner’s')
      })
    })

    test('SSE: a stream cannot be taken over, or replayed, with what was heard of it', () => {
      return withServer({ host }, async (server) => {
        const abort = new AbortController()
        const stream = await fetch(`${server.url}/sse?room=r`, { signal: abort.signal })
        const reader = stream.body!.pipeThrough(new TextDecoderStream()).getReader()
        let text = ''
        while (!text.includes('session.welcome')) text += (await reader.read()).value ?? ''
        const { session, credential } = JSON.parse(/^data: (.*welcome.*)$/m.exec(text)![1]!).payload as Record<
          string,
          string
        >
        // Another stream with all that is not secret is a session of its own.
        const again = new AbortController()
        const other = await fetch(`${server.url}/sse?room=r&session=${session}`, {
          headers: { 'last-event-id': '', 'rotunda-session': session! },
          signal: again.signal,
        })
        const second = other.body!.pipeThrough(new TextDecoderStream()).getReader()
        let heard = ''
        while (!heard.includes('session.welcome')) heard += (await second.read()).value ?? ''
        assert.doesNotMatch(heard, new RegExp(`${credential}|"session":"${session}"`))
        for (const controller of [abort, again]) controller.abort()
        for (const each of [reader, second]) await each.read().catch(() => {})
      })
    })
  })
}

describe('producer keys', () => {
  /** A hub whose clients are who they say, and one connection of each. */
  async function hubWith(subjects: (string | undefined)[]) {
    const authenticate = (request: Request) => {
      const name = request.headers.get('x-name')
      return name === null ? undefined : { subject: JSON.parse(decodeURIComponent(name)) as string, claims: {} }
    }
    const hub = createHub({
      protocol: fixture,
      store: memoryStore(),
      metadata: () => ({}),
      authenticate,
      anonymous: true,
    })
    const host = new MemoryHost({ native: false })
    const peers = await Promise.all(subjects.map(async (subject) => {
      const headers = subject === undefined ? {} : { 'x-name': encodeURIComponent(JSON.stringify(subject)) }
      const admission = await hub.admit(new Request('http://localhost/ws', { headers }))
      const peer = new MemoryPeer(host)
      peer.connection = hub.connect(peer, { subprotocol: 'rotunda.v1.json', metadata: {}, admission })
      return peer
    }))
    return { hub, peers }
  }

  async function publish(peer: MemoryPeer, key: string): Promise<number> {
    const ref = `${Math.random()}`
    peer.connection.receive(JSON.stringify({ type: 'chat.message', room: 'r', ref, key, payload: hi }))
    while (true) {
      for (const frame of peer.frames) {
        const envelope = JSON.parse(String(frame)) as Envelope
        if (envelope.ref === ref && envelope.type === 'ack') return (envelope.payload as { seq: number }).seq
      }
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
  }

  test('of known clients are their own: who guesses another’s cannot take its place, nor learn of it', async () => {
    const { hub, peers: [ada, adaAgain, eve, anonymous] } = await hubWith(['ada', 'ada', 'eve', undefined])
    assert.equal(await publish(eve!, 'k'), 1, 'eve is first')
    assert.equal(await publish(ada!, 'k'), 2, 'and ada’s message is stored all the same')
    assert.equal(await publish(adaAgain!, 'k'), 2, 'once, over all of her connections')
    assert.equal(await publish(anonymous!, 'k'), 3)
    assert.deepEqual((await hub.room('r').publish('chat.message', hi, { key: 'order-1' })).seq, 4)
    await hub.close()
  })

  test('of known clients cannot take the place of what the server publishes', async () => {
    const { hub, peers: [eve] } = await hubWith(['eve'])
    assert.equal(await publish(eve!, 'order-1'), 1)
    assert.equal((await hub.room('r').publish('chat.message', hi, { key: 'order-1' })).seq, 2)
    await hub.close()
  })

  test('that differ in where the name ends are different', async () => {
    const names = ['a', 'a"\u001eb', 'a\u007fb', 'a\u007f', '\ud800', '\0']
    const { hub, peers } = await hubWith(names)
    for (const [i, peer] of peers.entries()) assert.equal(await publish(peer, 'k'), i + 1, JSON.stringify(names[i]))
    await hub.close()
  })
})
