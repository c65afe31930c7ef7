import { z } from 'zod'
import { chat } from '../../../examples/chat/protocol.ts'
import { defineProtocol, event, rpc } from '../../../src/mod.ts'

/** The contract of the test servers: the chat's, and what the chat has no use for. */
export const fixture = defineProtocol({
  ...chat.definitions,
  'file.chunk': event(z.instanceof(Uint8Array)),
  'file.preview': event(z.instanceof(Uint8Array), { durable: false }),
  'call.offer': rpc(z.object({ from: z.string() }), z.object({ accepted: z.boolean() })),
})
