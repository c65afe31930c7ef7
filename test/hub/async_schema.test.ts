import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { z } from 'zod'
import { createHub, defineProtocol, event, type RotundaError } from '../../src/mod.ts'
import { connectPeer, MemoryHost } from '../support/memory_peer.ts'

const even = z.object({ n: z.number().refine((n) => Promise.resolve(n % 2 === 0)) })
const protocol = defineProtocol({ kept: event(even), passed: event(even, { durable: false }) })

/** A hub, a client in its room, and the first error the hub reports. */
async function start() {
  const hub = createHub({ protocol })
  const reported = new Promise<unknown>((resolve) => hub.onError((error) => resolve(error)))
  const peer = connectPeer(hub, new MemoryHost({ native: true }))
  peer.say({ type: 'room.join', room: 'r', ref: 'j' })
  await peer.next('room.joined', 'j')
  return { hub, peer, reported }
}

describe('a payload that an asynchronous schema refuses', () => {
  test('is answered where a client sent it', async () => {
    const { hub, peer } = await start()
    for (const type of ['kept', 'passed']) {
      peer.say({ type, room: 'r', ref: type, payload: { n: 1 } })
      const { payload } = await peer.next('error', type)
      assert.equal((payload as { code: string }).code, 'invalid_payload')
      peer.say({ type, room: 'r', ref: `${type} 2`, payload: { n: 2 } })
      await peer.next('ack', `${type} 2`)
    }
    await hub.close()
  })

  test('is thrown where the server stores it', async () => {
    const { hub } = await start()
    await assert.rejects(hub.room('r').publish('kept', { n: 1 }), { code: 'invalid_payload' })
    await hub.close()
  })

  // Nobody waits for these; an unhandled rejection would end the process.
  const sends: Record<string, (given: Awaited<ReturnType<typeof start>>) => void> = {
    'publishes it': ({ hub }) => hub.room('r').publish('passed', { n: 1 }),
    'broadcasts it': ({ hub }) => hub.broadcast('passed', { n: 1 }),
    'broadcasts it to a room': ({ hub }) => hub.room('r').broadcast('passed', { n: 1 }),
    'sends it to a session': ({ hub }) => void hub.sessions[0]?.send('passed', { n: 1 }),
    'forwards it from a handler': ({ hub, peer }) => {
      hub.on('passed', (ctx) => ctx.publish({ n: 1 }))
      peer.say({ type: 'passed', room: 'r', payload: { n: 2 } })
    },
  }
  for (const [name, send] of Object.entries(sends)) {
    test(`is reported where the server ${name}, and nothing is delivered`, async () => {
      const given = await start()
      send(given)
      assert.equal((await given.reported as RotundaError).code, 'invalid_payload')
      assert.equal(given.peer.received.some(({ type }) => type === 'passed'), false)
      await given.hub.close()
    })
  }
})
