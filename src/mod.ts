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
  Protocol,
  RpcDefinition,
  RpcName,
  StandardSchema,
} from './protocol/mod.ts'
export { createHub, DEFAULT_LIMITS, Executor, Hub } from './hub/mod.ts'
export type {
  Connection,
  EventContext,
  EventHandler,
  History,
  Host,
  HubMetrics,
  HubOptions,
  Limits,
  LogEnvelope,
  Peer,
  Published,
  PublishResult,
  RequestContext,
  RoomHandle,
  RpcHandler,
  SendResult,
  Session,
  SessionMetrics,
  SessionState,
} from './hub/mod.ts'
export { formatId, memoryStore } from './storage/mod.ts'
export type { Appended, AppendMessage, MessageStore, RoomExtent, StoredMessage } from './storage/mod.ts'
export {
  answerHealth,
  answerHistory,
  checkPort,
  createRouter,
  errorResponse,
  guarded,
  handshake,
  listen,
} from './http/mod.ts'
export type {
  Handshake,
  MetadataFactory,
  Next,
  RotundaServer,
  Routed,
  RouteOptions,
  ServeOptions,
  Upgrade,
} from './http/mod.ts'
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
