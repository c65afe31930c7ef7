// Publishes once, closes, and has nothing left to do: client_process.ts <url>
import process from 'node:process'
import { chat } from '../../examples/chat/protocol.ts'
import { createClient } from '../../src/client/mod.ts'

const client = createClient({ url: process.argv[2] ?? '', protocol: chat })
const room = client.join('africa', { last: 10 })
room.on('chat.message', (message) => {
  console.log(`message ${message.seq}`)
  // Never acknowledged, and nobody looks at it: closing must not make it an unhandled rejection.
  void room.publish('chat.message', { user: 'Gaspard', text: 'too late' })
  client.close()
})
await room.publish('chat.message', { user: 'Gaspard', text: 'Hello!' })
