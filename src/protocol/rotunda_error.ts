import type { ErrorCode } from './errors.ts'

/** The codes after which the same request may succeed if simply sent again. */
export const RETRYABLE: ReadonlySet<string> = new Set<ErrorCode>([
  'connection_limit',
  'inbound_overflow',
  'overloaded',
  'store_unavailable',
  'shutting_down',
  'idle_timeout',
  'pong_timeout',
  'slow_consumer',
  'timeout',
  'disconnected',
  'queue_full',
])

/**
 * The one error class: thrown at callers on both sides, and sent over the wire as `code` and `message` only.
 *
 * @example
 * ```ts
 * hub.on('chat.message', (ctx, payload) => {
 *   if (banned.has(ctx.session.id)) throw new RotundaError('not_stored', 'You are banned from this room.')
 *   return ctx.publish(payload)
 * })
 * ```
 */
export class RotundaError extends Error {
  override readonly name = 'RotundaError'
  /** Stable code from the error table. */
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }

  /** Whether the same request may succeed if simply sent again. */
  get retryable(): boolean {
    return RETRYABLE.has(this.code)
  }
}
