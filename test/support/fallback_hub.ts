import { createHub, createRouter, type FallbackOptions, type HubOptions, memoryStore } from '../../src/mod.ts'
import type { Ask } from './http_client.ts'
import { notes, type NotesHub } from './test_hub.ts'

type Options = Partial<HubOptions<typeof notes.definitions, Record<string, unknown>>>

/** A hub whose HTTP endpoints are asked without a network. */
export function fallbackHub(options: Options = {}, fallback: FallbackOptions = {}): { hub: NotesHub; ask: Ask } {
  const hub = createHub({ protocol: notes, store: memoryStore(), node: 'n1', ...options })
  const route = createRouter(hub, { fallback })
  const ask: Ask = async (path, init) => {
    const gone = init?.signal ?? undefined
    const request = new Request(`http://localhost${path}`, init)
    const routed = route(request, () => ({ address: '10.0.0.1', port: 7, gone, patient: () => {} }))
    if (routed !== undefined && 'answer' in routed) return await routed.answer
    throw new Error(`Nothing answers ${path}.`)
  }
  return { hub, ask }
}
