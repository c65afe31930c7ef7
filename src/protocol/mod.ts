export { CLOSE, isSendableCloseCode, shouldReconnect } from './close_codes.ts'
export type { Codec, Decoded, Frame } from './codec.ts'
export { defineProtocol, event, rpc } from './contract.ts'
export type {
  Contract,
  DurableEventName,
  EventDefinition,
  EventInput,
  EventName,
  EventOutput,
  Protocol,
  RpcDefinition,
  RpcInput,
  RpcName,
  RpcOutput,
  RpcReply,
  RpcRequest,
} from './contract.ts'
export type { EncodedEnvelope, Envelope } from './envelope.ts'
export { asRotundaError, ERRORS, isErrorCode, RotundaError } from './errors.ts'
export type { ErrorCode } from './errors.ts'
export { encodeEnvelope, JSON_SUBPROTOCOL, jsonCodec, MAX_BATCH } from './json_codec.ts'
export {
  checkProducerKey,
  checkRoomName,
  isTypeName,
  MAX_PRODUCER_KEY,
  MAX_REF,
  MAX_ROOM_NAME,
  MAX_TYPE_NAME,
  quote,
} from './names.ts'
export { isReservedType } from './reserved.ts'
export type { Ack, Cursor, ErrorPayload, Gap, HistoryRequest, Joined, JoinRequest, Welcome } from './reserved.ts'
export { FIRST_CUSTOM_OPCODE, isCustomOpcode, opcodeOf, OPCODES, typeOf } from './opcodes.ts'
export type { OpcodeName } from './opcodes.ts'
export type { Payload } from './payload.ts'
export { isTraceparent, readTrace, traceOf } from './trace.ts'
export type { Trace } from './trace.ts'
export { fromBase64, toBase64 } from './base64.ts'
export { holdsPrototypeKey } from './prototype_key.ts'
export { describeIssue } from './standard_schema.ts'
export type { InputOf, OutputOf, StandardSchema, ValidationIssue, ValidationResult } from './standard_schema.ts'
