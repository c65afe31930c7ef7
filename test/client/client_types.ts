/** What the types promise; checked by tsc, never run. */
import { z } from 'zod'
import {
  answer,
  callOpcode,
  type Cipher,
  type Client,
  type Codec,
  type Contract,
  createClient,
  type Protocol,
  type Published,
  type RotundaError,
} from '../../src/client/mod.ts'
import { defineProtocol, event, rpc } from '../../src/mod.ts'

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false
function same<A, B>(_: Same<A, B>): void {}

const protocol = defineProtocol({
  'chat.message': event(z.object({ text: z.string(), at: z.coerce.number() })),
  'chat.typing': event(z.object({ user: z.string() }), { durable: false }),
  'chat.stats': rpc(z.object({ deep: z.boolean() }), z.object({ members: z.number() })),
  gap: event(z.object({ inSeconds: z.number() })),
  'file.chunk': event(z.instanceof(Uint8Array)),
  'call.offer': rpc(z.object({ at: z.coerce.date() }), z.object({ accepted: z.coerce.boolean() })),
})

export async function promises(cipher: Cipher, codec: Codec): Promise<void> {
  const client = createClient({ url: 'ws://localhost:8080/ws', protocol })
  const room = client.join('africa', { last: 50 })
  client.join('africa', { since: { epoch: 'e', seq: 1 } })
  client.join('africa', room.cursor === undefined ? {} : { since: room.cursor })

  room.on('chat.message', (m) => {
    same<typeof m.type, 'chat.message'>(true)
    same<typeof m.payload, { text: string; at: number }>(true)
    same<typeof m.seq, number>(true)
    same<typeof m.id, string>(true)
    same<typeof m.room, string>(true)
    same<typeof m.from, string | undefined>(true)
  })
  const off = room.on('chat.typing', async (m) => {
    same<typeof m.payload, { user: string }>(true)
    // @ts-expect-error -- what is not stored has no seq
    await m.seq
  })
  same<typeof off, () => void>(true)
  // An event may be called as one of the client's own: they are methods, not names.
  room.on('gap', (m) => same<typeof m.payload, { inSeconds: number }>(true))
  room.onGap((gap) => same<typeof gap.cursor, number>(true))
  client.on('chat.typing', (m) => same<typeof m.room, string | undefined>(true))

  const publishing = room.publish('chat.message', { text: 'Hello!', at: '12' })
  same<typeof publishing, Promise<Published>>(true)
  const emitting = room.publish('chat.typing', { user: 'Gaspard' })
  same<typeof emitting, void>(true)
  const stats = await room.request('chat.stats', { deep: true }, { timeout: 1_000, signal: AbortSignal.timeout(5) })
  same<typeof stats, { members: number }>(true)
  await client.request('chat.stats', { deep: true }, { room: 'africa' })
  for await (const m of room.history({ limit: 10 })) {
    same<typeof m.type, 'chat.message' | 'gap' | 'file.chunk'>(true)
    if (m.type === 'gap') same<typeof m.payload, { inSeconds: number }>(true)
  }
  client.onState((state) => same<typeof state, 'connecting' | 'open' | 'reconnecting' | 'closed'>(true))
  client.onError((error) => same<typeof error, RotundaError>(true))
  client.onMessage((frame) => same<typeof frame, string | Uint8Array>(true))
  room.onRemoved((reason) => same<NonNullable<typeof reason>['message'], string>(true))
  createClient({ url: 'ws://localhost:8080/ws', protocol, codec })
  client.join('secret', { cipher, last: 5 })
  room.on('chat.message', ({ traceparent }) => same<typeof traceparent, string | undefined>(true))
  same<Awaited<ReturnType<typeof callOpcode>>, Uint8Array>(true)

  const chunk = await room.publish('file.chunk', new Uint8Array(3), { traceparent: '00-…' })
  same<typeof chunk, Published>(true)
  const sending = client.send('chat.typing', { user: 'Gaspard' }, { to: 'a session' })
  same<typeof sending, void>(true)
  const told = client.send('chat.message', { text: 'x', at: 1 }, { to: '*', ack: true, timeout: 5 })
  same<typeof told, Promise<void>>(true)
  await client.request('chat.stats', { deep: true }, { traceparent: '00-…' })
  const end = answer(client, 'call.offer', (offer, request) => {
    same<typeof offer, { at: Date }>(true)
    same<typeof request.traceparent, string | undefined>(true)
    return { accepted: 'yes' }
  })
  same<typeof end, () => void>(true)

  // @ts-expect-error -- no such event
  room.on('chat.mesage', () => {})
  // @ts-expect-error -- a request is not an event
  room.on('chat.stats', () => {})
  // @ts-expect-error -- text is missing
  void room.publish('chat.message', { at: 1 })
  // @ts-expect-error -- user is a string
  room.publish('chat.typing', { user: 1 })
  // @ts-expect-error -- a request is not published
  room.publish('chat.stats', { deep: true })
  // @ts-expect-error -- an event is not requested
  await room.request('chat.message', { text: 'x', at: 1 })
  // @ts-expect-error -- deep is missing
  await client.request('chat.stats', {})
  // @ts-expect-error -- nothing of the sort is answered
  void stats.visitors
  // @ts-expect-error -- bytes are wanted
  void room.publish('file.chunk', 'text')
  // @ts-expect-error -- a message to one session is no publish to a room
  void room.publish('chat.message', { text: 'x', at: 1 }, { to: 'a session' })
  // @ts-expect-error -- without an ack nothing can time out
  client.send('chat.typing', { user: 'x' }, { to: '*', timeout: 5 })
  // @ts-expect-error -- an event is not answered
  answer(client, 'chat.message', () => ({}))
  // @ts-expect-error -- the answer lacks a field
  answer(client, 'chat.stats', () => ({}))
  // @ts-expect-error -- opcodes carry bytes
  void callOpcode(client, 200, 'text')
  // @ts-expect-error -- both exclude each other
  client.join('africa', { last: 5, since: { epoch: 'e', seq: 1 } })
  // @ts-expect-error -- a protocol is needed
  createClient({ url: 'ws://localhost:8080/ws' })
}

/** A function over any contract can be written with the names of this entry alone. */
export function connect<C extends Contract>(contract: Protocol<C>): Client<C> {
  return createClient({ url: 'ws://localhost/ws', protocol: contract })
}
