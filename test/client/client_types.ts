/** What the types promise; checked by tsc, never run. */
import { z } from 'zod'
import { createClient, type Published, RotundaError } from '../../src/client/mod.ts'
import { defineProtocol, event, rpc } from '../../src/mod.ts'

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false
function same<A, B>(_: Same<A, B>): void {}

const protocol = defineProtocol({
  'chat.message': event(z.object({ text: z.string(), at: z.coerce.number() })),
  'chat.typing': event(z.object({ user: z.string() }), { durable: false }),
  'chat.stats': rpc(z.object({ deep: z.boolean() }), z.object({ members: z.number() })),
  gap: event(z.object({ inSeconds: z.number() })),
})

export async function promises(): Promise<void> {
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
  const answer = await room.request('chat.stats', { deep: true }, { timeout: 1_000, signal: AbortSignal.timeout(5) })
  same<typeof answer, { members: number }>(true)
  await client.request('chat.stats', { deep: true }, { room: 'africa' })
  for await (const m of room.history({ limit: 10 })) {
    same<typeof m.type, 'chat.message' | 'gap'>(true)
    if (m.type === 'gap') same<typeof m.payload, { inSeconds: number }>(true)
  }
  client.onState((state) => same<typeof state, 'connecting' | 'open' | 'reconnecting' | 'closed'>(true))
  client.onError((error) => same<typeof error, RotundaError>(true))

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
  void answer.visitors
  // @ts-expect-error -- both exclude each other
  client.join('africa', { last: 5, since: { epoch: 'e', seq: 1 } })
  // @ts-expect-error -- a protocol is needed
  createClient({ url: 'ws://localhost:8080/ws' })
}
