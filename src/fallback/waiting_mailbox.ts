import { answerArray } from './answers.ts'
import type { Refuse } from './later.ts'
import type { MailboxPeer } from './mailbox_peer.ts'
import type { HttpSessions } from './sessions.ts'
import type { Wait, Waits } from './waits.ts'

/** One poll of a mailbox. */
export interface MailboxPoll {
  readonly id: string
  readonly peer: MailboxPeer
  /** What the reader has got, where it says so. */
  readonly position: number | undefined
  readonly max: number
}

/** @throws {RotundaError} `not_found` once the last of an ended session was read. */
export function answerMailbox(sessions: HttpSessions, { id, peer, position, max }: MailboxPoll): Response {
  const letters = peer.read(position, max)
  if (!peer.isOver || letters.frames.length > 0) return answerArray(letters.frames, letters.position)
  sessions.delete(id)
  throw sessions.unknown()
}

/** All that is kept of a poll that found its mailbox empty. */
export class WaitingMailbox implements Wait {
  readonly until: number
  readonly #poll: MailboxPoll
  readonly #sessions: HttpSessions
  readonly #waits: Waits
  #gone: AbortSignal | undefined
  #refuse!: Refuse
  #resolve!: (response: Response) => void
  #isOver = false
  #isSuperseded = false

  constructor(poll: MailboxPoll, until: number, { sessions, waits }: { sessions: HttpSessions; waits: Waits }) {
    this.#poll = poll
    this.until = until
    this.#sessions = sessions
    this.#waits = waits
  }

  /** Answers when there is something, or when the time is over. */
  answer(gone: AbortSignal | undefined, refuse: Refuse): Promise<Response> {
    const { peer } = this.#poll
    this.#gone = gone
    this.#refuse = refuse
    gone?.addEventListener('abort', this)
    return new Promise((resolve) => {
      this.#resolve = resolve
      peer.hold(this)
      this.#waits.add(this)
      // Something may have come since it was polled.
      if (gone?.aborted === true || !peer.isEmpty || peer.isOver) this.end()
    })
  }

  /** The client is gone. */
  handleEvent(): void {
    this.end()
  }

  /** Another poll takes the place of this one, and is given what there is. */
  supersede(): void {
    this.#isSuperseded = true
    this.end()
  }

  end(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#waits.delete(this)
    this.#poll.peer.release(this)
    this.#gone?.removeEventListener('abort', this)
    // What is put there in the same turn is given with it.
    queueMicrotask(() => this.#resolve(this.#read()))
  }

  #read(): Response {
    try {
      if (this.#isSuperseded) return answerArray([], this.#poll.position ?? 0)
      return answerMailbox(this.#sessions, this.#poll)
    } catch (error) {
      return this.#refuse(error)
    }
  }
}
