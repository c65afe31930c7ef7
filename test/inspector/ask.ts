import type { View } from '../../src/inspector/view.ts'
import type { Ask } from '../support/http_client.ts'

export const PASSWORD = 'correct horse battery'

/** What a browser sends of a user and a password. */
export function basic(password: string, user = 'operator'): Record<string, string> {
  const bytes = new TextEncoder().encode(`${user}:${password}`)
  return { authorization: `Basic ${btoa(String.fromCharCode(...bytes))}` }
}

/** What the inspector's page asks, by its password. */
export async function look(ask: Ask, query: Record<string, string | number> = {}): Promise<View> {
  const asked = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]))
  const response = await ask(`/inspector/api/view?${asked}`, { headers: basic(PASSWORD) })
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`)
  return await response.json() as View
}

/** Looks once a second, as the page does, until something is seen. */
export async function lookUntil(
  ask: Ask,
  query: () => Record<string, string | number>,
  seen: (view: View) => boolean,
): Promise<void> {
  while (!seen(await look(ask, query()))) await new Promise((resolve) => setTimeout(resolve, 300))
}

/** A way to say that something is to be closed, right but for what is given. */
export function closing(headers: Record<string, string> = {}): RequestInit {
  return { method: 'POST', headers: { ...basic(PASSWORD), 'x-rotunda-inspector': '1', ...headers } }
}

/** All that a server has written, as soon as there is this among it. */
export async function written({ stderr }: { stderr(): string }, text: string): Promise<string> {
  while (!stderr().includes(text)) await new Promise((resolve) => setTimeout(resolve, 5))
  return stderr()
}
