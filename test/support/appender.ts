// Appends batches to a file's log and prints each one's places once acknowledged: appender.ts <url> <name> <batches>
import { writeSync } from 'node:fs'
import process from 'node:process'
import { libsqlStore } from '../../adapters/libsql/mod.ts'
import { message } from '../conformance/store_messages.ts'

const [url = '', name = '', batches = '0'] = process.argv.slice(2)
const store = await libsqlStore({ url })
writeSync(1, `${JSON.stringify({ epoch: store.epoch })}\n`)
for (let i = 0; i < Number(batches); i++) {
  const batch = Array.from({ length: 20 }, (_, j) => {
    const text = `${name}.${i}.${j}`
    return message(`room ${j % 3}`, { key: text, payload: JSON.stringify(text) })
  })
  const places = await store.append(batch)
  const acks = batch.map(({ payload }, j) => [payload, places[j]?.id, places[j]?.seq])
  // Synchronous: an ack that is only in this process's memory when it is killed would prove nothing.
  writeSync(1, `${JSON.stringify({ acks })}\n`)
}
await store.close()
