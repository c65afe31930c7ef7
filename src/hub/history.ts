import { encodeEnvelope } from '../protocol/json_codec.ts'
import type { MessageStore, StoredMessage } from '../storage/store.ts'
import { fromStored, type LogEnvelope } from './log_envelope.ts'
import type { HistoryQuery } from './requests.ts'

const MAX_ANSWER = 1024 * 1024

/** A page of a room's log: newest first, or oldest first where `after` was asked. */
export interface History {
  readonly messages: readonly LogEnvelope[]
  /** Messages `trimmed + 1` to `head` exist. */
  readonly head: number
  readonly trimmed: number
  readonly epoch: string
}

export async function readHistory(store: MessageStore, room: string, query: HistoryQuery): Promise<History> {
  const { before, after, limit } = query
  const messages = upToBytes(
    after === undefined ? await store.listByRoom(room, limit, before) : await store.replayRoom(room, after, limit),
  )
  // Read after the messages, so that `head` is never behind them.
  const { head, trimmed } = await store.extent(room)
  return { messages: messages.map(fromStored), head, trimmed, epoch: store.epoch }
}

/** The first messages up to about 1 MiB, at least one: an answer is one frame. */
function upToBytes(messages: StoredMessage[]): StoredMessage[] {
  let size = 0
  const end = messages.findIndex((message, i) => (size += message.payload.length) > MAX_ANSWER && i > 0)
  return end < 0 ? messages : messages.slice(0, end)
}

/** The payload of a history answer, its messages' payloads copied as they are. */
export function historyText({ messages, head, trimmed, epoch }: History): string {
  const list = messages.map(encodeEnvelope).join(',')
  return `{"messages":[${list}],"head":${head},"trimmed":${trimmed},"epoch":${JSON.stringify(epoch)}}`
}
