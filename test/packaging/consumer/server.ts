/** A server made of the installed package, for Bun and for Deno. Prints `ready <port>`. */
import process from 'node:process'
import { Hono } from 'hono'
import { createHub } from 'rotunda'
import { bunHandlers, serve as serveBun } from 'rotunda/bun'
import { serve as serveDeno } from 'rotunda/deno'
import { realtime } from 'rotunda/hono'
import { libsqlStore } from 'rotunda/libsql'
import { libsqlStore as remoteStore } from 'rotunda/libsql/web'
import { notes } from './protocol.ts'

// In workers: that they are found is the point.
const store = await libsqlStore({ url: process.argv[2] ?? '', worker: true })
const hub = createHub({ protocol: notes, store })
const app = new Hono().route('/mounted', realtime(hub))
const onDeno = 'Deno' in globalThis
const options = { port: 0, hostname: '127.0.0.1', fetch: app.fetch }
const server = onDeno ? serveDeno(hub, options) : serveBun(hub, options)
if (!onDeno) bunHandlers(hub)
await remoteStore({ url: 'file:x.db' }).catch(({ code }) => console.log(`web ${code}`))
console.log(`ready ${server.port}`)
