import type { ErrorCode } from './errors.ts'

/**
 * What is in the codes after which the same request may succeed if simply sent again, and in no other: a list of the
 * codes would be too much for every client. The wire document has it.
 */
export const RETRYABLE: RegExp = /connect|over|quota|unavailable|down|timeout|slow|full/

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
  declare readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }

  /** Whether the same request may succeed if simply sent again. */
  get retryable(): boolean {
    return RETRYABLE.test(this.code)
  }
}
