/** A complete server for Bun, set up by environment variables: those of docs/configuration.md. */
import { createHub, defineProtocol, event, loadConfiguration } from 'rotunda'
import { serve } from 'rotunda/bun'
import { libsqlStore } from 'rotunda/libsql'
import { z } from 'zod'

const chat = defineProtocol({
  'chat.message': event(z.object({ user: z.string().min(1).max(64), text: z.string().min(1).max(4096) })),
  'chat.typing': event(z.object({ user: z.string().min(1).max(64) }), { durable: false }),
})

const { database, limits, server: address, websocket } = loadConfiguration({ environment: process.env })
const { url, authToken } = database
const store = await libsqlStore({ url, ...(authToken && { authToken }) })
const hub = createHub({ protocol: chat, store, limits })
const server = serve(hub, { hostname: address.host, port: address.port })
console.log(`rotunda listens at ${server.url}`)

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void server.stop({ drain: websocket.drain }).then(() => process.exit(0)))
}
