import { defineProtocol, event } from 'rotunda/protocol'
import { z } from 'zod'

/** The contract of the consumer's programs. */
export const notes = defineProtocol({ note: event(z.object({ text: z.string() })) })
