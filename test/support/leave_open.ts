// Appends without waiting, and ends without closing the store: leave_open.ts <url>
import process from 'node:process'
import { libsqlStore } from '../../adapters/libsql/mod.ts'
import { message } from '../conformance/store_messages.ts'

const store = await libsqlStore({ url: process.argv[2] ?? '' })
store.append([message('a')]).then(([place]) => console.log(`appended ${place?.seq}`))
