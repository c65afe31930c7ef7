import { createHub, defineProtocol, event, type Hub, type Limits, type MessageStore, rpc } from '../../src/mod.ts'
import { z } from 'zod'

/** The contract of the core's own tests. */
export const notes = defineProtocol({
  note: event(z.object({ text: z.string() })),
  typing: event(z.object({ user: z.string() }), { durable: false }),
  'note.count': rpc(z.object({}), z.object({ count: z.number() })),
})

export type NotesHub = Hub<typeof notes.definitions, Record<string, unknown>>

export function notesHub(store: MessageStore, limits: Partial<Limits> = {}): NotesHub {
  return createHub({ protocol: notes, store, limits, node: 'n1' })
}

/** What a client says to publish a note. */
export function note(text: string, more: { room?: string; ref?: string; key?: string } = {}): object {
  return { type: 'note', room: 'r', payload: { text }, ...more }
}

/** Consecutive numbers, first and last included. */
export function range(first: number, last: number): number[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index)
}
