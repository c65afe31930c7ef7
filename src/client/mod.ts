/**
 * rotunda's client, for browsers, Bun, Deno and Node 22: typed rooms over one WebSocket that comes back by itself.
 *
 * @module
 */
export type { Addition } from './addition.ts'
export { answer } from './answer.ts'
export { authenticate } from './authenticate.ts'
export type { AuthenticateOptions } from './authenticate.ts'
export type { ServerRequest } from './answer.ts'
export { Client, createClient } from './client.ts'
export type { ClientRequestOptions, JoinOptions } from './client.ts'
export type { AckOptions, PublishOptions, SendOptions, TraceOptions } from './calls.ts'
export type { BackoffOptions } from './connection/backoff.ts'
export type { ClientState, CloseInfo, WebSocketConstructor } from './connection/connection.ts'
export type { HeartbeatOptions } from './connection/heartbeat.ts'
export type { Cipher, FoundAt, SealedFor } from './encryption/cipher.ts'
export type { HistoryOptions } from './history.ts'
export type { OutboxEntry, OutboxId, OutboxStore } from './kept_outbox/store.ts'
export { callOpcode } from './opcode.ts'
export type { ClientOptions } from './options.ts'
export type { RequestOptions } from './outbox.ts'
export type { Room } from './room.ts'
export type {
  AnyLogMessage,
  DirectMessage,
  EphemeralMessage,
  ErrorContext,
  ErrorHandler,
  LogMessage,
  MessageOf,
  Published,
  PublishResult,
  RemovalReason,
} from './types.ts'
export type { Codec, Decoded, Frame } from '../protocol/codec.ts'
export type {
  Contract,
  EventInput,
  EventName,
  EventOutput,
  Protocol,
  RpcInput,
  RpcName,
  RpcOutput,
  RpcReply,
  RpcRequest,
} from '../protocol/contract.ts'
export type { EncodedEnvelope, Envelope } from '../protocol/envelope.ts'
export { RotundaError } from '../protocol/rotunda_error.ts'
export type { ErrorCode } from '../protocol/errors.ts'
export type { Cursor, Gap, Joined, Welcome } from '../protocol/reserved.ts'
