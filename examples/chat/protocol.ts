import { z } from 'zod'
import { defineProtocol, event, rpc } from '../../src/protocol/mod.ts'

/** The chat's contract, shared by its server and its page. */
export const chat = defineProtocol({
  'chat.message': event(z.object({ user: z.string().min(1).max(64), text: z.string().min(1).max(4096) })),
  'chat.typing': event(z.object({ user: z.string().min(1).max(64) }), { durable: false }),
  'chat.stats': rpc(z.object({}), z.object({ members: z.number() })),
})
