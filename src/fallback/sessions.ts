import { CLOSE } from '../protocol/close_codes.ts'
import { RotundaError } from '../protocol/errors.ts'
import type { Connection, Executor } from '../hub/mod.ts'
import { MailboxPeer } from './mailbox_peer.ts'
import type { StreamPeer } from './stream_peer.ts'

/** A session without a socket of its own, and what proves that one speaks for it. */
export interface HttpSession {
  readonly id: string
  readonly secret: string
  readonly connection: Connection
  readonly peer: MailboxPeer | StreamPeer
}

const SECRET_BYTES = 24

/** A session's id, which all may see, and what is for its client alone: the credential, which holds both. */
export interface Credential {
  readonly id: string
  readonly secret: string
  readonly credential: string
}

/** Those of a new session. */
export function newCredential(): Credential {
  const id = crypto.randomUUID()
  const bytes = crypto.getRandomValues(new Uint8Array(SECRET_BYTES))
  const secret = btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_')
  return { id, secret, credential: `${id}.${secret}` }
}

/** The sessions of a node that come over HTTP. */
export class HttpSessions {
  readonly #executor: Executor
  /** Milliseconds. */
  readonly #ttl: number
  readonly #all = new Map<string, HttpSession>()
  #mailboxes = 0
  #stop: (() => void) | undefined

  constructor(executor: Executor, ttl: number) {
    this.#executor = executor
    this.#ttl = ttl
  }

  /** Sessions that are polled. */
  get mailboxes(): number {
    return this.#mailboxes
  }

  add(session: HttpSession): void {
    this.#all.set(session.id, session)
    if (!(session.peer instanceof MailboxPeer)) return
    this.#mailboxes += 1
    this.#stop ??= this.#executor.every(Math.min(1_000, this.#ttl / 4), () => this.#sweep(Date.now()))
  }

  delete(id: string): void {
    const session = this.#all.get(id)
    if (session === undefined) return
    this.#all.delete(id)
    if (!(session.peer instanceof MailboxPeer)) return
    this.#mailboxes -= 1
    session.peer.clear()
    if (this.#mailboxes > 0) return
    this.#stop?.()
    this.#stop = undefined
  }

  /** @throws {RotundaError} `not_found`, whatever is wrong with the credential. */
  find(credential: string): HttpSession {
    const dot = credential.lastIndexOf('.')
    const session = this.#all.get(credential.slice(0, Math.max(0, dot)))
    if (session !== undefined && isSame(session.secret, credential.slice(dot + 1))) return session
    throw this.unknown()
  }

  /** Says the same of a session that has ended, one of another node, and one that never was. */
  unknown(): RotundaError {
    return new RotundaError('not_found', 'There is no such session here; it may have ended, or be of another node.')
  }

  #sweep(now: number): void {
    for (const { id, peer } of this.#all.values()) {
      if (!(peer instanceof MailboxPeer) || peer.isPolled || now - peer.polledAt < this.#ttl) continue
      peer.close(CLOSE.idle, `Nobody polled for ${this.#ttl / 1000} s.`)
      this.delete(id)
    }
  }
}

/** Takes as long whatever is different. */
function isSame(secret: string, given: string): boolean {
  let difference = secret.length ^ given.length
  for (let i = 0; i < secret.length; i++) difference |= secret.charCodeAt(i) ^ (given.charCodeAt(i) || 0)
  return difference === 0
}
