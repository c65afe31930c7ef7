import { CLOSE } from '../protocol/close_codes.ts'

/**
 * Does what an event of a transport asks for. Runtimes end the whole process for an exception that leaves one of their
 * event handlers: here it is reported, and ends this connection alone, with 1011.
 */
export function guarded(
  hub: { report(error: unknown): void },
  socket: { close(code: number, reason: string): void },
  handle: () => void,
): void {
  try {
    handle()
  } catch (error) {
    hub.report(error)
    socket.close(CLOSE.internalError, 'The server failed.')
  }
}
