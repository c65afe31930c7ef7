import { CLOSE } from './close_codes.ts'
import { RETRYABLE, RotundaError } from './rotunda_error.ts'

export { RotundaError }

interface ErrorRow {
  /** WebSocket close code used when this error ends a connection. */
  readonly close: number
  /** HTTP status used when this error answers a request. */
  readonly status: number
  /** Whether the same request may succeed if simply sent again. */
  readonly retryable: boolean
}

const row = (close: number, status: number): Omit<ErrorRow, 'retryable'> => ({ close, status })

/** A stable error code: a key of {@link ERRORS}. */
export type ErrorCode =
  | 'invalid_json'
  | 'invalid_frame'
  | 'invalid_payload'
  | 'unknown_type'
  | 'reserved_type'
  | 'message_too_big'
  | 'too_many_errors'
  | 'invalid_room'
  | 'invalid_key'
  | 'invalid_cursor'
  | 'invalid_limit'
  | 'not_stored'
  | 'not_found'
  | 'method_not_allowed'
  | 'too_many_rooms'
  | 'unauthenticated'
  | 'forbidden'
  | 'presence_too_big'
  | 'plaintext_refused'
  | 'invalid_handshake'
  | 'unsupported_version'
  | 'connection_limit'
  | 'inbound_overflow'
  | 'quota_exceeded'
  | 'overloaded'
  | 'store_unavailable'
  | 'internal'
  | 'shutting_down'
  | 'idle_timeout'
  | 'pong_timeout'
  | 'slow_consumer'
  | 'history_trimmed'
  | 'epoch_changed'
  | 'cursor_ahead'
  | 'timeout'
  | 'aborted'
  | 'disconnected'
  | 'queue_full'
  | 'closed'
  | 'decryption_failed'
  | 'unknown_encryption_key'
  | 'invalid_config'

const TABLE: Readonly<Record<ErrorCode, Omit<ErrorRow, 'retryable'>>> = {
  // The frame cannot be understood.
  invalid_json: row(CLOSE.invalidData, 400),
  invalid_frame: row(CLOSE.policyViolation, 400),
  invalid_payload: row(CLOSE.policyViolation, 400),
  unknown_type: row(CLOSE.policyViolation, 404),
  reserved_type: row(CLOSE.policyViolation, 403),
  message_too_big: row(CLOSE.messageTooBig, 413),
  too_many_errors: row(CLOSE.policyViolation, 400),
  // The request cannot be done as asked.
  invalid_room: row(CLOSE.policyViolation, 400),
  invalid_key: row(CLOSE.policyViolation, 400),
  invalid_cursor: row(CLOSE.policyViolation, 400),
  invalid_limit: row(CLOSE.policyViolation, 400),
  not_stored: row(CLOSE.policyViolation, 409),
  not_found: row(CLOSE.policyViolation, 404),
  method_not_allowed: row(CLOSE.policyViolation, 405),
  too_many_rooms: row(CLOSE.policyViolation, 429),
  unauthenticated: row(CLOSE.unauthenticated, 401),
  forbidden: row(CLOSE.policyViolation, 403),
  presence_too_big: row(CLOSE.policyViolation, 413),
  plaintext_refused: row(CLOSE.policyViolation, 422),
  // The handshake is refused.
  invalid_handshake: row(CLOSE.protocolError, 400),
  unsupported_version: row(CLOSE.protocolError, 426),
  connection_limit: row(CLOSE.tryAgainLater, 503),
  // The server cannot do it now.
  inbound_overflow: row(CLOSE.flooding, 429),
  quota_exceeded: row(CLOSE.flooding, 429),
  overloaded: row(CLOSE.tryAgainLater, 503),
  store_unavailable: row(CLOSE.tryAgainLater, 503),
  internal: row(CLOSE.internalError, 500),
  shutting_down: row(CLOSE.goingAway, 503),
  // The connection is ended.
  idle_timeout: row(CLOSE.idle, 408),
  pong_timeout: row(CLOSE.unresponsive, 408),
  slow_consumer: row(CLOSE.slowConsumer, 429),
  // A cursor cannot be honoured; carried by room.gap.
  history_trimmed: row(CLOSE.policyViolation, 410),
  epoch_changed: row(CLOSE.policyViolation, 410),
  cursor_ahead: row(CLOSE.policyViolation, 410),
  // Told by the client library to its own caller.
  timeout: row(CLOSE.policyViolation, 504),
  aborted: row(CLOSE.policyViolation, 499),
  disconnected: row(CLOSE.goingAway, 503),
  queue_full: row(CLOSE.policyViolation, 429),
  closed: row(CLOSE.policyViolation, 409),
  decryption_failed: row(CLOSE.policyViolation, 422),
  unknown_encryption_key: row(CLOSE.policyViolation, 422),
  // Start-up.
  invalid_config: row(CLOSE.internalError, 500),
}

/** The error table: every code rotunda can tell a client or throw at a caller. Codes are stable; see the wire document. */
export const ERRORS: Readonly<Record<ErrorCode, ErrorRow>> = Object.fromEntries(
  Object.entries(TABLE).map(([code, entry]) => [code, { ...entry, retryable: RETRYABLE.test(code) }]),
) as Record<ErrorCode, ErrorRow>

/** Tells whether a string received from elsewhere is a code of the table. */
export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(ERRORS, code)
}

/** Any thrown value as a RotundaError; what is not one becomes `internal`, with the original only as `cause`. */
export function asRotundaError(thrown: unknown): RotundaError {
  if (thrown instanceof RotundaError) return thrown
  return new RotundaError('internal', 'The server failed to handle this message.', { cause: thrown })
}
