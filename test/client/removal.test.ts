import assert from 'node:assert/strict'
import test from 'node:test'
import { once, says } from '../support/with_client.ts'
import { type FixtureClient, type HubFixture, sessionOf, withHub } from '../support/with_hub.ts'

/** A client in a room that it was granted, and its session. */
async function inside({ hub, connect }: HubFixture) {
  const client = connect()
  const session = hub.session(await sessionOf(client))!
  session.grant('private-*', ['join', 'replay', 'publish'])
  const room = client.join('private-1')
  await once(room.onJoined.bind(room))
  return { client, session, room }
}

/** Resolves when everything that the server sent before has been handled. */
async function settled(client: FixtureClient): Promise<void> {
  await client.request('chat.stats', {}, { room: 'africa' })
}

test('R3 a room whose permission is taken back tells why, and delivers nothing any more', () =>
  withHub({}, async (fixture) => {
    fixture.hub.on('chat.stats', () => ({ members: 0 }))
    const { client, session, room } = await inside(fixture)
    const heard: string[] = []
    room.on('chat.message', ({ payload }) => heard.push(payload.text))
    await room.publish('chat.message', says('before'))
    const removed = once(room.onRemoved.bind(room))
    await session.revoke()
    const [reason] = await removed
    assert.equal(reason?.code, 'forbidden')
    assert.match(reason?.message ?? '', /private-1/)
    await fixture.hub.room('private-1').publish('chat.message', says('secret'))
    await assert.rejects(room.publish('chat.message', says('after')), { code: 'forbidden' })
    await settled(client)
    assert.deepEqual(heard, ['before'])
  }))

test('R3 a client that the server took out of a room without a word gets no reason', () =>
  withHub({}, async (fixture) => {
    const { session, room } = await inside(fixture)
    const removed = once(room.onRemoved.bind(room))
    session.leave('private-1')
    assert.deepEqual(await removed, [undefined])
  }))

test('R3 the next connection joins again: refused, it is told once and not tried again until the one after', () =>
  withHub({}, async (fixture) => {
    const { hub } = fixture
    hub.on('chat.stats', () => ({ members: 0 }))
    const { client, session, room } = await inside(fixture)
    const position = room.cursor
    await session.revoke()
    const told: string[] = []
    room.onError(({ code }) => told.push(code))

    const second = sessionOf(client)
    session.close(4000)
    const refused = hub.session(await second)!
    await settled(client)
    assert.deepEqual(told, ['forbidden'])
    refused.grant('private-*', 'read')
    await hub.room('private-1').publish('chat.message', says('missed'))
    await settled(client)
    assert.deepEqual([told, refused.rooms], [['forbidden'], []])

    // Granted before the client has joined, since it joins as soon as it is welcomed.
    hub.onOpen((opened) => opened.grant('private-*', 'read'))
    const heard = once((handler: (message: { payload: { text: string } }) => void) => room.on('chat.message', handler))
    refused.close(4000)
    assert.equal((await heard)[0].payload.text, 'missed')
    assert.deepEqual(room.cursor, { epoch: position!.epoch, seq: position!.seq + 1 })
  }))
