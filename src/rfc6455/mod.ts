/**
 * RFC 6455 for tools and tests: handshakes, frames and messages as bytes, on any runtime and over any socket. Servers
 * and clients of rotunda do not need it; load generators, fuzzers and tests of what goes over the wire do.
 *
 * @module
 */
export { acceptKey, checkRequest, checkResponse, handshakeRequest, handshakeResponse, newKey } from './handshake.ts'
export type {
  Asked,
  HandshakeRequest,
  HandshakeResponse,
  HeaderChanges,
  RequestOptions,
  ResponseOptions,
} from './handshake.ts'
export { MAX_HTTP_HEAD, parseRequestHead, parseResponseHead } from './http_head.ts'
export type { RequestHead, ResponseHead } from './http_head.ts'
export { encodeHead, Frame, FRAME_OPCODE, MAX_CONTROL_PAYLOAD } from './frame.ts'
export type { FrameFields, FrameOptions, HeadOptions } from './frame.ts'
export { FrameDecoder } from './frame_decoder.ts'
export type { DecodedFrames } from './frame_decoder.ts'
export { FrameError } from './frame_error.ts'
export type { ViolationCode } from './frame_error.ts'
export { FrameHead } from './frame_head.ts'
export { DEFAULT_MAX_SIZE, LARGEST_MAX_SIZE } from './frame_rules.ts'
export type { FrameRules } from './frame_rules.ts'
export { FrameScanner } from './frame_scanner.ts'
export type { PieceListener } from './frame_scanner.ts'
export { closePayload, MAX_REASON_SIZE, readClosePayload } from './close_payload.ts'
export type { CloseStatus } from './close_payload.ts'
export { applyMask, randomMaskKey } from './mask.ts'
export { MessageAssembler } from './message_assembler.ts'
export type { MessageOptions, Received } from './message_assembler.ts'
export { CLOSE, isSendableCloseCode } from '../protocol/close_codes.ts'
export { RotundaError } from '../protocol/rotunda_error.ts'
export type { ErrorCode } from '../protocol/errors.ts'
