// Checked by tsc, never run: every line under `@ts-expect-error` must be a type error, every other none.
import { z } from 'zod'
import {
  type Codec,
  createHub,
  type Decoded,
  type EncodedEnvelope,
  type Frame,
  type HandlerFor,
  type Payload,
  type StandardSchema,
  type ValidationResult,
} from '../../src/mod.ts'
import {
  defineProtocol,
  type DurableEventName,
  event,
  type EventInput,
  type EventName,
  type EventOutput,
  rpc,
  type RpcName,
  type RpcOutput,
} from '../../src/protocol/mod.ts'

const protocol = defineProtocol({
  'chat.message': event(z.object({ text: z.string() })),
  'chat.typing': event(z.object({ user: z.string() }), { durable: false }),
  'chat.count': rpc(z.object({ of: z.string() }), z.object({ count: z.number() })),
  'chat.date': event(z.string().transform((text) => text.length)),
})
type Chat = typeof protocol.definitions

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

export const inferred: [
  Same<EventName<Chat>, 'chat.message' | 'chat.typing' | 'chat.date'>,
  Same<DurableEventName<Chat>, 'chat.message' | 'chat.date'>,
  Same<RpcName<Chat>, 'chat.count'>,
  Same<EventInput<Chat, 'chat.message'>, { text: string }>,
  Same<EventInput<Chat, 'chat.date'>, string>,
  Same<EventOutput<Chat, 'chat.date'>, number>,
  Same<EventInput<Chat, 'chat.count'>, never>,
  Same<RpcOutput<Chat, 'chat.count'>, { count: number }>,
] = [true, true, true, true, true, true, true, true]

// @ts-expect-error -- a plain function is no Standard Schema
event(() => true)
// @ts-expect-error -- an event needs a schema
event()
// @ts-expect-error -- `durable` is a boolean
event(z.object({}), { durable: 'no' })
// @ts-expect-error -- a request needs the schema of its answer, too
rpc(z.object({}))
// @ts-expect-error -- a schema alone is no definition
defineProtocol({ 'chat.message': z.object({}) })

export async function uses(): Promise<void> {
  const hub = createHub({ protocol })
  const room = hub.room('africa')
  const { id, seq }: { id: string; seq: number } = await room.publish('chat.message', { text: 'hi' })
  const nothing: void = room.publish('chat.typing', { user: 'a' })
  // @ts-expect-error -- an ephemeral event has no place in the log
  void (await room.publish('chat.typing', { user: 'a' })).seq
  // @ts-expect-error -- no such event
  room.publish('chat.massage', { text: 'hi' })
  // @ts-expect-error -- a request is not published
  room.publish('chat.count', { of: 'x' })
  // @ts-expect-error -- the payload is the event's
  room.publish('chat.message', { text: 1 })
  // @ts-expect-error -- a required field is missing
  room.broadcast('chat.message', {})
  // @ts-expect-error -- limits have names
  createHub({ protocol, limits: { maxMessagesize: 1 } })
  // @ts-expect-error -- a hub needs a contract
  createHub({})
  hub.on('chat.message', (_ctx, payload) => void payload.text.length)
  // @ts-expect-error -- the handler's payload is the event's
  hub.on('chat.message', (_ctx, payload) => void payload.user)
  // @ts-expect-error -- the answer must fit the contract
  hub.on('chat.count', () => ({ count: 'three' }))
  // @ts-expect-error -- no such type
  hub.on('chat.counted', () => undefined)
  void [id, seq, nothing]
}

// What one needs to write a codec, a validator or handlers of one's own has names that can be imported.
const payloadOf = ({ payload }: EncodedEnvelope): Payload => payload
export const lines: Codec = {
  name: 'lines',
  subprotocol: 'example.lines',
  encode: (batch: readonly EncodedEnvelope[]): Frame => batch.map(payloadOf).join('\n'),
  decode: (frame: Frame): Decoded[] => [{ envelope: { type: 'chat.message', payload: String(frame) } }],
}
export const anything: StandardSchema<unknown, unknown> = {
  '~standard': { version: 1, vendor: 'example', validate: (value: unknown): ValidationResult<unknown> => ({ value }) },
}
export const count: HandlerFor<typeof protocol.definitions, object, 'chat.count'> = () => ({ count: 1 })
