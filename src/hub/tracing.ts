import type { RotundaError } from '../protocol/errors.ts'

/** A durable message as it is taken, before anything is known of it. */
export interface TracedMessage {
  readonly room: string
  readonly type: string
  /** The session that sent it; null when the server did. */
  readonly from: string | null
  /** Where the sender says that it belongs. */
  readonly traceparent: string | undefined
}

/** What became of a message. Times in milliseconds since 1970, with fractions. */
export interface TracedCommit {
  readonly id: string
  readonly seq: number
  /** Whether its producer key was in the log already. */
  readonly repeat: boolean
  /** Messages that were stored with it. */
  readonly messages: number
  /** When the store was asked, when it had answered, and when the message was handed to the transports. */
  readonly began: number
  readonly ended: number
  readonly delivered: number
}

/** One message on its way through the hub. Exactly one of its methods is called, once. */
export interface MessageTrace {
  /** Handed on to who gets the message live, in place of the sender's. */
  readonly traceparent: string | undefined
  committed(commit: TracedCommit): void
  failed(error: RotundaError): void
}

/** Follows durable messages from publish over commit to delivery; `rotunda/opentelemetry` makes one. */
export interface Tracing {
  publish(message: TracedMessage): MessageTrace
}

/** A reading of `performance.now` as milliseconds since 1970. */
export function sinceEpoch(reading: number): number {
  return performance.timeOrigin + reading
}
