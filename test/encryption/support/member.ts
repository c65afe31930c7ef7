// A member in a process of its own, told what to do by a JSON argument. Prints a line for all that it is told.
import process from 'node:process'
import { chat } from '../../../examples/chat/protocol.ts'
import { encryption, roomKeys } from '../../../src/client/encryption/mod.ts'
import { createClient } from '../../../src/client/mod.ts'
import type { MemberOptions } from './start_member.ts'

const { url, room: name, user, current, keys, says, until } = JSON.parse(process.argv[2] ?? '{}') as MemberOptions
const client = createClient({ url, protocol: chat })
const room = client.join(name, { last: 100, cipher: encryption(roomKeys({ current, keys })) })
let heard = 0
room.onError((error, about) => console.log(`${error.code} ${about.seq}`))
room.on('chat.typing', (m) => console.log(`typing ${m.payload.user}`))
room.on('chat.message', (m) => {
  console.log(`${m.seq} ${m.payload.user}: ${m.payload.text}`)
  if (++heard === until) client.close()
})
// What is not stored is dropped while there is no connection.
await new Promise<void>((resolve) => room.onJoined(() => resolve()))
for (const text of says) {
  room.publish('chat.typing', { user })
  await room.publish('chat.message', { user, text })
}
