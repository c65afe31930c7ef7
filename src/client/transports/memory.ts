import type { Transport } from './transport.ts'

/** Which transport worked last in this tab, and what keeps that over a reload. */
export interface TransportMemory {
  readonly start: number
  remember(index: number): void
}

export function readMemory(url: string, transports: readonly Transport[]): TransportMemory {
  const key = `rotunda.transport ${url}`
  try {
    // Elsewhere a process is not a tab, and what it keeps is for all of its clients.
    const storage = globalThis.document && sessionStorage
    const start = transports.findIndex(({ name }) => name === storage?.getItem(key))
    return { start: Math.max(0, start), remember: (index) => storage?.setItem(key, transports[index]!.name) }
  } catch {
    // Kept from the page, by its reader or its frame.
    return { start: 0, remember() {} }
  }
}
