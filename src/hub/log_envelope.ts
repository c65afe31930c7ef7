import type { EncodedEnvelope } from '../protocol/envelope.ts'
import type { Appended, AppendMessage, StoredMessage } from '../storage/store.ts'

/** A message of the log, ready to be put into a frame. */
export interface LogEnvelope extends EncodedEnvelope {
  readonly room: string
  readonly id: string
  readonly seq: number
  readonly ts: number
}

/** A message read from the store, as it goes over the wire. */
export function fromStored(message: StoredMessage): LogEnvelope {
  return describe(message, message.id, message.seq)
}

/** A message just committed, as it goes over the wire. */
export function fromAppended(
  message: AppendMessage,
  appended: Appended,
  traceparent: string | undefined,
): LogEnvelope {
  const envelope = describe(message, appended.id, appended.seq)
  return traceparent === undefined ? envelope : { ...envelope, traceparent }
}

function describe(message: AppendMessage | StoredMessage, id: string, seq: number): LogEnvelope {
  const envelope: { -readonly [K in keyof LogEnvelope]: LogEnvelope[K] } = {
    type: message.type,
    room: message.room,
    id,
    seq,
    ts: message.ts,
    payload: message.payload,
  }
  if (message.kind !== 'event') envelope.kind = message.kind
  if (message.from !== null) envelope.from = message.from
  return envelope
}
