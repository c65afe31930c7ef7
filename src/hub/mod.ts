export { createHub, Hub } from './hub.ts'
export type { HubMetrics } from './hub_metrics.ts'
export type { HubOptions } from './hub_options.ts'
export type { Action, Authorize, Principal } from './access.ts'
export type { Allowance, Grants } from './grants.ts'
export type { AskOptions } from './replies.ts'
export type { Logger, LogLevel } from './logger.ts'
export type { QuotaAction, QuotaMetric, QuotaRule } from './quota/rules.ts'
export type { QuotaResult } from './quota/session_quota.ts'
export type { MessageTrace, TracedCommit, TracedMessage, Tracing } from './tracing.ts'
export type { Latency, TypeMetrics } from './type_metrics.ts'
export { checkCloseCode, fitReason } from './close_frame.ts'
export type { Companion, Companions, LongPollMetrics } from './companions.ts'
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
export { MAX_LAST } from './requests.ts'
export type { Watched } from './heartbeat.ts'
export { ALLOWED, checkLimits, DEFAULT_LIMITS } from './limits.ts'
export type { Limits } from './limits.ts'
export type { LogEnvelope } from './log_envelope.ts'
export type { Host, Peer, Receiver, SendResult } from './peer.ts'
export type { RetentionMetrics } from './retention.ts'
export type { RetentionRule } from './retention_rules.ts'
export type { RoomHandle } from './room_handle.ts'
export type { Session } from './session.ts'
export type { RoomReader } from './room_reader.ts'
export type { RoomView, ViewPiece } from './room_view.ts'
export type { Start, Target } from './target.ts'
export type { Variant } from './channel.ts'
export type { Listener } from './watcher.ts'
export type { PageFrame } from './page.ts'
export type { PresenceChange, PresenceMember, PresenceMetrics } from './presence/presence.ts'
export type { PresenceOptions } from './presence/presence_options.ts'
