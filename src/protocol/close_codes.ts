/**
 * WebSocket close codes by name: those of RFC 6455 that can be met, and rotunda's own in 4000 to 4999.
 *
 * Whether a client comes back follows from the range: it does after 4000 to 4499 and not after 4500 to 4999.
 */
export const CLOSE = {
  normal: 1000,
  goingAway: 1001,
  protocolError: 1002,
  unsupportedData: 1003,
  /** Never sent: stands for a close frame without a code. */
  noStatus: 1005,
  /** Never sent: stands for a connection that broke. */
  abnormal: 1006,
  invalidData: 1007,
  policyViolation: 1008,
  messageTooBig: 1009,
  extensionRequired: 1010,
  internalError: 1011,
  serviceRestart: 1012,
  tryAgainLater: 1013,
  /** Never sent: stands for a failed TLS handshake. */
  tlsHandshake: 1015,
  /** No frame arrived for longer than `idleTimeout`. */
  idle: 4000,
  /** No pong arrived within `pongTimeout`. */
  unresponsive: 4001,
  /** The peer read too slowly for too long. */
  slowConsumer: 4002,
  /** The peer sent more than it was allowed to have pending. */
  flooding: 4003,
  /** Who the peer is, is not known or no longer. */
  unauthenticated: 4401,
} as const

/** Whether a close code may be put into a close frame (RFC 6455 §7.4). */
export function isSendableCloseCode(code: number): boolean {
  if (!Number.isInteger(code) || code === 1004 || code === CLOSE.noStatus || code === CLOSE.abnormal) return false
  return (code >= 1000 && code <= 1014) || (code >= 3000 && code <= 4999)
}

/** Whether a client should connect again after its connection was closed with this code. */
export function shouldReconnect(code: number): boolean {
  // Numbers instead of names: these few bytes are part of every client.
  return code !== 1000 && code !== 1002 && code !== 1003 && !(code >= 1007 && code <= 1010) &&
    !(code >= 4500 && code <= 4999)
}
