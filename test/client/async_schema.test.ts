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

test('a validator that never ends holds up what is published after it in its room, and nothing in another', () =>
  withClient({}, async ({ url }) => {
    const client = createClient({
      url,
      protocol: defineProtocol({
        'chat.message': event(
          {
            '~standard': {
              version: 1,
              vendor: 'test',
              validate: (value) => {
                const message = value as Message
                return message.text === 'never' ? new Promise<never>(() => {}) : { value: message }
              },
            },
          } satisfies StandardSchema<unknown, Message>,
        ),
      }),
    })
    try {
      const [stuck, other] = [client.join('stuck'), client.join('other')]
      const settled: string[] = []
      for (const text of ['never', 'behind it']) {
        stuck.publish('chat.message', { user: 'G', text }).catch(() => {}).finally(() => settled.push(text))
      }
      assert.equal((await other.publish('chat.message', { user: 'G', text: 'hello' })).seq, 1)
      assert.equal((await other.publish('chat.message', { user: 'G', text: 'hello' })).seq, 2)
      assert.deepEqual(settled, [])
    } finally {
      client.close()
    }
  }))
