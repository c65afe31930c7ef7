import assert from 'node:assert/strict'
import test from 'node:test'
import { createClient } from '../../src/client/mod.ts'
import { defineProtocol, event, type StandardSchema } from '../../src/mod.ts'
import { range, withClient } from '../support/with_client.ts'

interface Message {
  readonly user: string
  readonly text: string
}

/** A validator that takes longer for every second message. */
const slow: StandardSchema<unknown, Message> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: async (value) => {
      const message = value as Message
      if (Number(message.text) % 2 === 1) await new Promise((resolve) => setTimeout(resolve, 3))
      return message.text === '7' ? { issues: [{ message: 'is seven', path: ['text'] }] } : { value: message }
    },
  },
}
const protocol = defineProtocol({ 'chat.message': event(slow) })

test('I4 asynchronous validators change neither the order of publishing nor that of delivery', () =>
  withClient({}, async ({ url }) => {
    const client = createClient({ url, protocol })
    try {
      const room = client.join('africa')
      const texts: string[] = []
      const cursors: unknown[] = []
      const last = new Promise<void>((resolve) => {
        room.on('chat.message', ({ payload, seq }) => {
          texts.push(payload.text)
          cursors.push(room.cursor?.seq === seq)
          if (payload.text === '40') resolve()
        })
      })
      const settled = await Promise.allSettled(
        range(1, 40).map((n) => room.publish('chat.message', { user: 'G', text: `${n}` })),
      )
      const refused = settled.flatMap((result) => result.status === 'rejected' ? [String(result.reason)] : [])
      assert.deepEqual(refused, ['RotundaError: payload.text: is seven'])
      await last
      assert.deepEqual(texts, range(1, 40).filter((n) => n !== 7).map(String))
      assert.ok(cursors.every(Boolean))
    } finally {
      client.close()
    }
  }))
