// Publishes a message and bytes, closes, and has nothing left to do: client_process.ts <url>
import process from 'node:process'
import { flatbuffers } from '../../adapters/flatbuffers/mod.ts'
import { answer, createClient } from '../../src/client/mod.ts'
import { fixture } from './hosts/fixture_protocol.ts'

const url = process.argv[2] ?? ''

for (const codec of [undefined, flatbuffers]) {
  const client = createClient({ url, protocol: fixture, ...codec ? { codec } : {} })
  answer(client, 'call.offer', () => ({ accepted: true }))
  const room = client.join(codec?.name ?? 'json')
  const closed = new Promise<void>((resolve) => {
    room.on('chat.message', (message) => console.log(`message ${message.seq}`))
    room.on('file.chunk', (message) => {
      console.log(`${message.payload.constructor.name} ${message.payload}`)
      // Never acknowledged, and nobody looks at it: closing must not make it an unhandled rejection.
      void room.publish('chat.message', { user: 'Gaspard', text: 'too late' })
      client.close()
      resolve()
    })
  })
  await room.publish('chat.message', { user: 'Gaspard', text: 'Hello!' })
  void room.publish('file.chunk', new Uint8Array([1, 2, 255]))
  await closed
}
