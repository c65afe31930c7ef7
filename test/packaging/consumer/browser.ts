import { createClient } from 'rotunda/client'
import { notes } from './protocol.ts'

/** What the test calls in the page. */
export async function publishFrom(url: string): Promise<number> {
  const client = createClient({ url, protocol: notes })
  try {
    const { seq } = await client.join('africa').publish('note', { text: 'from a browser' })
    return seq
  } finally {
    client.close()
  }
}

Object.assign(globalThis, { publishFrom })
