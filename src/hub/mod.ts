export { createHub, Hub } from './hub.ts'
export type { HubMetrics, HubOptions } from './hub.ts'
export type { Connection, SessionMetrics, SessionState } from './connection.ts'
export type {
  EventContext,
  EventHandler,
  HandlerFor,
  Published,
  PublishResult,
  RequestContext,
  RpcHandler,
} from './context.ts'
export { Executor } from './executor.ts'
export type { History } from './history.ts'
export { historyText } from './history.ts'
export type { LifecycleHandlers } from './handlers.ts'
export { DEFAULT_LIMITS } from './limits.ts'
export type { Limits } from './limits.ts'
export type { LogEnvelope } from './log_envelope.ts'
export type { Host, Peer, SendResult } from './peer.ts'
export type { RoomHandle } from './room_handle.ts'
export type { Session } from './session.ts'
