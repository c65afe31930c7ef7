/**
 * A complete server for Deno, made for Deno Deploy: it needs the network and environment variables, no files.
 *
 * `TURSO_DATABASE_URL` and `TURSO_AUTH_TOKEN` name the database; `PORT` is 8000 unless set.
 */
import { createHub, defineProtocol, event } from 'rotunda'
import { serve } from 'rotunda/deno'
import { libsqlStore } from 'rotunda/libsql/web'
import { z } from 'zod'

const chat = defineProtocol({
  'chat.message': event(z.object({ user: z.string().min(1).max(64), text: z.string().min(1).max(4096) })),
  'chat.typing': event(z.object({ user: z.string().min(1).max(64) }), { durable: false }),
})

const url = Deno.env.get('TURSO_DATABASE_URL')
if (!url) throw new Error('Set TURSO_DATABASE_URL, and TURSO_AUTH_TOKEN where the database asks for one.')
const authToken = Deno.env.get('TURSO_AUTH_TOKEN')

const store = await libsqlStore({ url, ...(authToken && { authToken }), requestTimeout: 10_000 })
const hub = createHub({ protocol: chat, store })
const server = serve(hub, {
  port: Number(Deno.env.get('PORT') ?? 8000),
  fetch: () => new Response('rotunda listens at /ws\n'),
})
console.log(`rotunda listens at ${server.url}`)

// Deno Deploy sends SIGINT and waits five seconds, other hosts send SIGTERM.
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  Deno.addSignalListener(signal, () => void server.stop().then(() => Deno.exit(0)))
}
