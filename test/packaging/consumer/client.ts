/** Publishes and receives: `client.ts <url>` prints what came. */
import process from 'node:process'
import { createClient } from 'rotunda/client'
import { notes } from './protocol.ts'

const client = createClient({ url: process.argv[2] ?? '', protocol: notes })
const room = client.join('africa', { last: 100 })
const text = `from ${process.argv[3]}`
room.on('note', ({ seq, payload }) => {
  if (payload.text !== text) return
  console.log(`note ${seq} ${payload.text}`)
  client.close()
})
await room.publish('note', { text })
