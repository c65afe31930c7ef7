import type { EncodedEnvelope } from '../protocol/envelope.ts'
import { asRotundaError, RotundaError } from '../protocol/errors.ts'
import type { ErrorPayload } from '../protocol/reserved.ts'
import type { Appended, AppendMessage, MessageStore } from '../storage/store.ts'
import { encodeFrames } from './channel.ts'
import type { Connection } from './connection.ts'
import type { Counters } from './counters.ts'
import { type CommitTimes, type Entry, Journal, type JournalListener } from './journal.ts'
import type { Executor } from './executor.ts'
import type { Limits } from './limits.ts'
import { fromAppended, type LogEnvelope } from './log_envelope.ts'
import type { Rooms } from './rooms.ts'
import { type MessageTrace, sinceEpoch, type Tracing } from './tracing.ts'

/** Whom to tell what became of a message: a connection that waits for an ack, a caller that waits, both or nobody. */
export interface Origin {
  readonly connection?: Connection | undefined
  readonly ref?: string | undefined
  /** Handed on to who gets the message live. */
  readonly traceparent?: string
  /** Follows the message, where the hub traces. */
  readonly trace?: MessageTrace
  readonly resolve?: (appended: Appended) => void
  readonly reject?: (error: RotundaError) => void
}

/** Counts and times of the commits so far. */
export interface CommitMetrics {
  commits: number
  failed: number
  messages: number
  repeats: number
  lastMilliseconds: number
  totalMilliseconds: number
}

/** What a publisher works with. */
interface PublisherOptions {
  readonly store: MessageStore
  readonly limits: Limits
  readonly executor: Executor
  readonly tracing: Tracing | undefined
  report(error: unknown): void
}

/** The way of a durable message: into the journal; when committed first its ack, then its room. */
export class Publisher implements JournalListener<Origin> {
  readonly metrics: CommitMetrics = {
    commits: 0,
    failed: 0,
    messages: 0,
    repeats: 0,
    lastMilliseconds: 0,
    totalMilliseconds: 0,
  }
  readonly #journal: Journal<Origin>
  readonly #rooms: Rooms
  readonly #counters: Counters
  readonly #tracing: Tracing | undefined
  /** A larger one could never be read: its frame alone would end every connection it is sent to. */
  readonly #largest: number
  readonly report: (error: unknown) => void

  constructor({ store, limits, executor, tracing, report }: PublisherOptions, rooms: Rooms, counters: Counters) {
    this.#journal = new Journal(store, limits, executor, this)
    this.#rooms = rooms
    this.#counters = counters
    this.#tracing = tracing
    this.#largest = Math.min(limits.hardLimit, limits.maxJournalBytes) / 2
    this.report = report
  }

  get waiting(): number {
    return this.#journal.waiting
  }

  /** @throws {RotundaError} `message_too_big`, `overloaded`, `shutting_down` */
  push(message: AppendMessage, origin: Origin): void {
    if (message.payload.length > this.#largest) {
      const text = `A message may have ${this.#largest} characters of payload, not ${message.payload.length}.`
      throw new RotundaError('message_too_big', text)
    }
    if (this.#tracing === undefined) return this.#journal.push(message, origin)
    const followed = this.#traced(this.#tracing, message, origin)
    try {
      this.#journal.push(message, followed)
    } catch (error) {
      this.#tell(() => followed.trace?.failed(asRotundaError(error)))
      throw error
    }
  }

  flushed(): Promise<void> {
    return this.#journal.flushed()
  }

  close(): Promise<void> {
    return this.#journal.close()
  }

  committed(
    entries: readonly Entry<Origin>[],
    appended: readonly Appended[],
    { began, since, ended }: CommitTimes,
  ): void {
    const answers = new Answers()
    const fresh = new Map<string, LogEnvelope[]>()
    let repeats = 0
    for (let i = 0; i < entries.length; i++) {
      const { message, origin } = entries[i]!
      const place = appended[i]!
      answers.ack(origin, message.room, place)
      origin.resolve?.(place)
      if (place.repeat) repeats += 1
      if (this.#rooms.get(message.room) === undefined) continue
      const batch = fresh.get(message.room)
      if (place.repeat) {
        // Its first copy may come from a commit whose outcome nobody learnt, or from another node.
        if (batch === undefined) this.#rooms.get(message.room)!.notice(place.seq)
      } else if (batch === undefined) fresh.set(message.room, [fromAppended(message, place, origin.traceparent)])
      else batch.push(fromAppended(message, place, origin.traceparent))
    }
    answers.send()
    for (const [room, batch] of fresh) this.#rooms.get(room)?.announce(batch)
    if (this.#rooms.listeners.size > 0) this.#rooms.tell(committedNow(entries, appended))
    if (this.#tracing !== undefined) this.#traceCommit(entries, appended, began, ended)
    const { metrics } = this
    const milliseconds = ended - began
    this.#counters.commitMilliseconds.add(milliseconds)
    this.#counters.commitMessages.add(entries.length)
    this.#counters.deliveryMilliseconds.add(performance.now() - since)
    metrics.commits += 1
    metrics.messages += entries.length - repeats
    metrics.repeats += repeats
    metrics.lastMilliseconds = milliseconds
    metrics.totalMilliseconds += milliseconds
  }

  failed(entries: readonly Entry<Origin>[], error: RotundaError): void {
    this.metrics.failed += 1
    this.report(error.cause)
    const answers = new Answers()
    for (const { message, origin } of entries) {
      if (origin.connection !== undefined) this.#counters.error(error.code)
      answers.error(origin, message.room, error)
      origin.reject?.(error)
    }
    answers.send()
    if (this.#tracing !== undefined) {
      for (const { origin } of entries) this.#tell(() => origin.trace?.failed(error))
    }
    for (const name of new Set(entries.map(({ message }) => message.room))) this.#rooms.get(name)?.doubt()
  }

  #traced(tracing: Tracing, { room, type, from }: AppendMessage, origin: Origin): Origin {
    let trace: MessageTrace | undefined
    this.#tell(() => trace = tracing.publish({ room, type, from, traceparent: origin.traceparent }))
    if (trace === undefined) return origin
    const { traceparent = origin.traceparent } = trace as MessageTrace
    return { ...origin, trace, ...(traceparent === undefined ? {} : { traceparent }) }
  }

  #traceCommit(
    entries: readonly Entry<Origin>[],
    appended: readonly Appended[],
    began: number,
    ended: number,
  ): void {
    const times = { began: sinceEpoch(began), ended: sinceEpoch(ended), delivered: sinceEpoch(performance.now()) }
    entries.forEach(({ origin }, i) => {
      const { id, seq, repeat } = appended[i]!
      this.#tell(() => origin.trace?.committed({ id, seq, repeat, messages: entries.length, ...times }))
    })
  }

  /** Who only looks on must not keep a message, or its answer, from its way. */
  #tell(call: () => void): void {
    try {
      call()
    } catch (error) {
      this.report(error)
    }
  }
}

/** What a commit added to the log. */
function committedNow(entries: readonly Entry<Origin>[], appended: readonly Appended[]): LogEnvelope[] {
  return entries.flatMap(({ message, origin }, i) => {
    return appended[i]!.repeat ? [] : [fromAppended(message, appended[i]!, origin.traceparent)]
  })
}

/** The answers of one commit, a frame for each connection. */
class Answers {
  readonly #byConnection = new Map<Connection, EncodedEnvelope[]>()

  ack({ connection, ref }: Origin, room: string, { id, seq }: Appended): void {
    if (connection === undefined || ref === undefined) return
    this.#add(connection, { type: 'ack', room, ref, payload: `{"id":"${id}","seq":${seq}}` })
  }

  error({ connection, ref }: Origin, room: string, error: RotundaError): void {
    if (connection === undefined) return
    const payload: ErrorPayload = { code: error.code, message: error.message, retryable: error.retryable }
    const envelope = { type: 'error', room, payload: JSON.stringify(payload) }
    this.#add(connection, ref === undefined ? envelope : { ...envelope, ref })
  }

  send(): void {
    for (const [connection, batch] of this.#byConnection) {
      if (!connection.isUsable) continue
      const frames = encodeFrames(connection.variant, batch)
      for (const frame of frames) connection.sendFrame(frame, batch.length / frames.length)
    }
  }

  #add(connection: Connection, envelope: EncodedEnvelope): void {
    const batch = this.#byConnection.get(connection)
    if (batch === undefined) this.#byConnection.set(connection, [envelope])
    else batch.push(envelope)
  }
}
