/** Uses the types of every entry but the stores', whose own dependencies do not pass a strict check. */
import { Hono } from 'hono'
import { createHub, type Hub, memoryStore, type MessageStore, RotundaError } from 'rotunda'
import { bunHandlers, type BunServer, serve as serveBun } from 'rotunda/bun'
import { type Client, createClient, type Room } from 'rotunda/client'
import { storeConformance, type StoreFixture } from 'rotunda/conformance'
import { denoHandler, serve as serveDeno } from 'rotunda/deno'
import { realtime } from 'rotunda/hono'
import { type ErrorCode, ERRORS } from 'rotunda/protocol'
import { notes } from './protocol.ts'

type Contract = typeof notes['definitions']

const store: MessageStore = memoryStore()
const hub: Hub<Contract> = createHub({ protocol: notes, store })
hub.on('note', (ctx, { text }) => ctx.publish({ text: text.trim() }))
const client: Client<Contract> = createClient({ url: 'ws://localhost', protocol: notes, autoConnect: false })
const room: Room<Contract> = client.join('africa')
room.on('note', ({ seq, payload }) => [seq.toFixed(), payload.text.length])
// @ts-expect-error -- the contract is known here: a note has text.
room.publish('note', { text: 42 }).catch((error: RotundaError) => ERRORS[error.code].retryable)

/** Made where each belongs. */
export const uses: readonly unknown[] = [
  () => serveBun(hub, { fetch: (_: Request, server: BunServer) => new Response(`${server.port}`) }),
  () => bunHandlers(hub).websocket.maxPayloadLength,
  () => serveDeno(hub, { port: 8080 }).stop(),
  () => denoHandler(hub),
  () => new Hono().route('/realtime', realtime(hub)),
  (fixture: StoreFixture) => storeConformance('mine', () => Promise.resolve(fixture)),
  'internal' satisfies ErrorCode,
]
