import type { View } from '../view.ts'
import { type Choice, writeChoice } from './choice.ts'

/** How long an answer may take, in milliseconds. */
const PATIENCE = 10_000

// Not the address as it is: one with a name and a password in it cannot be fetched from.
const base = `${location.origin}${location.pathname}/api/`

/** An answer that is not what was asked for. */
export class Refused extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** Where the page stands, so that only what is new is sent. */
export interface Known {
  readonly since: number
  /** Seq up to which it has the messages of the room that is followed. */
  readonly after: number
}

export async function askView(choice: Choice, { since, after }: Known, signal: AbortSignal): Promise<View> {
  const asked = writeChoice(choice)
  if (choice.view !== 'health') asked.set('list', choice.view)
  asked.set('since', String(since))
  asked.set('after', String(after))
  const limited = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE)])
  return await ask(`view?${asked}`, { signal: limited }) as View
}

export async function askToClose(session: string, code: string, reason: string): Promise<void> {
  const asked = new URLSearchParams({ session, code, reason })
  await ask(`close?${asked}`, {
    method: 'POST',
    headers: { 'x-rotunda-inspector': '1' },
    signal: AbortSignal.timeout(PATIENCE),
  })
}

async function ask(path: string, init: RequestInit): Promise<unknown> {
  const response = await fetch(base + path, { ...init, cache: 'no-store', credentials: 'same-origin' })
  if (response.ok) return await response.json()
  throw new Refused(response.status, await messageIn(response))
}

async function messageIn(response: Response): Promise<string> {
  try {
    return (await response.json() as { payload: { message: string } }).payload.message
  } catch {
    return `The server answered ${response.status}.`
  }
}
