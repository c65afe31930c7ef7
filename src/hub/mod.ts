export { createHub, Hub } from './hub.ts'
export type { HubMetrics } from './hub_metrics.ts'
export type { HubOptions } from './hub_options.ts'
export type { Action, Authorize, Principal } from './access.ts'
export type { Allowance, Grants } from './grants.ts'
export type { AskOptions } from './replies.ts'
export type { Latency, TypeMetrics } from './type_metrics.ts'
export { checkCloseCode, fitReason } from './close_frame.ts'
export type { Companion, Companions } from './companions.ts'
export type { Connection, SessionMetrics, SessionState } from './connection.ts'
export type {
  EventContext,
  EventHandler,
  HandlerFor,
  OpcodeHandler,
  OverrideHandler,
  Published,
  PublishResult,
  RequestContext,
  RpcHandler,
} from './context.ts'
export { Executor } from './executor.ts'
export type { History } from './history.ts'
export { historyText } from './history.ts'
export type { Distribution } from './histogram.ts'
export type { LifecycleHandlers } from './handlers.ts'
export { Heartbeat } from './heartbeat.ts'
export type { Watched } from './heartbeat.ts'
export { ALLOWED, checkLimits, DEFAULT_LIMITS } from './limits.ts'
export type { Limits } from './limits.ts'
export type { LogEnvelope } from './log_envelope.ts'
export type { Host, Peer, Receiver, SendResult } from './peer.ts'
export type { RoomHandle } from './room_handle.ts'
export type { Session } from './session.ts'
export type { Target } from './target.ts'
