/**
 * rotunda: realtime rooms you cannot lose a message in. This entry is the runtime-agnostic core: the contract, the hub
 * and the in-memory store. `rotunda/bun` serves it, `rotunda/libsql` stores it, `rotunda/client` talks to it.
 *
 * @module
 */
export {
  CLOSE,
  defineProtocol,
  ERRORS,
  event,
  isSendableCloseCode,
  OPCODES,
  RotundaError,
  rpc,
  shouldReconnect,
} from './protocol/mod.ts'
export type {
  Codec,
  Contract,
  Cursor,
  Envelope,
  ErrorCode,
  EventDefinition,
  EventInput,
  EventName,
  EventOutput,
  Gap,
  Joined,
  JoinRequest,
  OpcodeName,
  Payload,
  Protocol,
  RpcDefinition,
  RpcName,
  StandardSchema,
  Trace,
} from './protocol/mod.ts'
export { createHub, DEFAULT_LIMITS, Executor, Hub } from './hub/mod.ts'
export type {
  Action,
  Allowance,
  AskOptions,
  Authorize,
  Companion,
  Companions,
  Connection,
  Distribution,
  EventContext,
  EventHandler,
  Grants,
  History,
  Host,
  HubMetrics,
  HubOptions,
  Latency,
  Limits,
  LogEnvelope,
  Logger,
  LogLevel,
  LongPollMetrics,
  OpcodeHandler,
  OverrideHandler,
  Peer,
  PresenceChange,
  PresenceMember,
  PresenceMetrics,
  PresenceOptions,
  Principal,
  Published,
  PublishResult,
  QuotaAction,
  QuotaMetric,
  QuotaResult,
  QuotaRule,
  Receiver,
  RequestContext,
  RetentionMetrics,
  RetentionRule,
  RoomHandle,
  RpcHandler,
  SendResult,
  Session,
  SessionMetrics,
  SessionState,
  Target,
  TypeMetrics,
} from './hub/mod.ts'
export { inProcessBroker } from './cluster/mod.ts'
export type { Broker } from './cluster/mod.ts'
export { formatId, memoryStore } from './storage/mod.ts'
export type { Appended, AppendMessage, ListedRoom, MessageStore, RoomExtent, StoredMessage } from './storage/mod.ts'
export type { Caller, FallbackEndpoint, FallbackOptions, SharedMailboxOptions } from './fallback/mod.ts'
export {
  answerHealth,
  answerHistory,
  checkFreePath,
  checkPort,
  createRouter,
  deliver,
  errorResponse,
  fallbackAnswers,
  fallbackPaths,
  guarded,
  handshake,
  listen,
} from './http/mod.ts'
export type {
  AnswerFallback,
  Handshake,
  MetadataFactory,
  Next,
  RawRoute,
  RotundaServer,
  Routed,
  RouteOptions,
  ServeOptions,
  Upgrade,
} from './http/mod.ts'
export { RawConnection, RawService, rawService } from './raw/mod.ts'
export type {
  RawHandler,
  RawHandlers,
  RawHub,
  RawLimits,
  RawMetrics,
  RawMode,
  RawOptions,
  RawTarget,
  ReadOptions,
} from './raw/mod.ts'
export { AttachedRuntime, attachRuntime, loadConfiguration, PRESETS, serveHttpAndWs, SETTINGS } from './runtime/mod.ts'
export type {
  AttachOptions,
  Configuration,
  ConfigurationSources,
  HttpApp,
  PresetName,
  RuntimeHost,
  Setting,
} from './runtime/mod.ts'
