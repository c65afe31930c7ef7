// A client of the `ws` package on Node, typed from src/protocol/README.md: node_ws.mjs <ws url> <http url>
import assert from 'node:assert/strict'
import WebSocket from 'ws'

const [url, http] = process.argv.slice(2)
const socket = new WebSocket(url, 'rotunda.v1.json')
const unread = []
let wake = () => {}
socket.on('message', (data, isBinary) => {
  assert.equal(isBinary, false)
  const frame = JSON.parse(data.toString())
  unread.push(...(Array.isArray(frame) ? frame : [frame]))
  wake()
})
socket.on('error', (error) => {
  throw error
})

async function next(matches) {
  while (true) {
    const index = unread.findIndex(matches)
    if (index >= 0) return unread.splice(index, 1)[0]
    await new Promise((resolve) => wake = resolve)
  }
}

await new Promise((resolve) => socket.once('open', resolve))
assert.equal(socket.protocol, 'rotunda.v1.json')
const { payload: welcome } = await next(({ type }) => type === 'session.welcome')

socket.send(JSON.stringify({ type: 'room.join', room: 'africa', ref: '1', payload: {} }))
const { payload: joined } = await next(({ type, ref }) => type === 'room.joined' && ref === '1')
assert.equal(joined.epoch, welcome.epoch)

const said = { user: 'Node', text: 'Hello from ws!' }
const publish = JSON.stringify({ type: 'chat.message', room: 'africa', ref: '2', key: 'node:1', payload: said })
socket.send(publish)
const { payload: ack } = await next(({ type, ref }) => type === 'ack' && ref === '2')
const heard = await next(({ type, seq }) => type === 'chat.message' && seq === ack.seq)
assert.deepEqual([heard.id, heard.from, heard.payload], [ack.id, welcome.session, said])

socket.send(publish)
const { payload: again } = await next(({ type, ref }) => type === 'ack' && ref === '2')
assert.deepEqual(again, ack, 'the same key is the same message')

socket.send(JSON.stringify([
  { type: 'chat.message', room: 'africa', ref: '3', key: 'node:2', payload: { ...said, text: 'two' } },
  { type: 'chat.message', room: 'africa', ref: '4', key: 'node:3', payload: { ...said, text: 'three' } },
  { type: 'chat.typing', room: 'africa', ref: '5', payload: { user: 'Node' } },
]))
for (const ref of ['3', '4', '5']) await next((envelope) => envelope.type === 'ack' && envelope.ref === ref)

socket.send(JSON.stringify({ type: 'room.history', room: 'africa', ref: '6', payload: { limit: 3 } }))
const { payload: history } = await next(({ kind, ref }) => kind === 'reply' && ref === '6')
assert.deepEqual(history.messages.map(({ payload }) => payload.text), ['three', 'two', said.text])
assert.deepEqual(await (await fetch(`${http}/rooms/africa/history?limit=3`)).json(), history)

socket.send(JSON.stringify({ type: 'chat.stats', room: 'africa', ref: '7', payload: {} }))
assert.equal((await next(({ ref }) => ref === '7')).payload.members, 1)

socket.send(JSON.stringify({ type: 'chat.message', room: 'africa', ref: '8', payload: { user: 'Node' } }))
const { payload: error } = await next(({ type, ref }) => type === 'error' && ref === '8')
assert.equal(error.code, 'invalid_payload')

socket.close(1000)
const code = await new Promise((resolve) => socket.once('close', resolve))
assert.equal(code, 1000)
console.log(`done after ${history.head} messages`)
