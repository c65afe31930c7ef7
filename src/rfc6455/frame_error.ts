import { RotundaError } from '../protocol/rotunda_error.ts'

/** The close codes with which a violation is answered: protocol error, not UTF-8, too big. */
export type ViolationCode = 1002 | 1007 | 1009

/**
 * What a peer sent against RFC 6455, or above a limit. It is returned, never thrown, by all that reads frames.
 *
 * Its `code` is `message_too_big` with 1009, else `invalid_frame`.
 */
export class FrameError extends RotundaError {
  /** What to close the connection with. */
  readonly closeCode: ViolationCode

  constructor(closeCode: ViolationCode, message: string) {
    super(closeCode === 1009 ? 'message_too_big' : 'invalid_frame', message)
    this.closeCode = closeCode
  }
}
