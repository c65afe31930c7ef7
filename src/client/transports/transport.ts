/** What a connection needs of a socket; a WebSocket has it. */
export interface TransportSocket {
  binaryType?: string
  /** The subprotocol that the server chose; empty for JSON. */
  readonly protocol: string
  /** Characters, about, that were sent and have not left. */
  readonly bufferedAmount: number
  onmessage: ((event: { readonly data: string | ArrayBuffer }) => void) | null
  onclose: ((event: { readonly code: number; readonly reason: string }) => void) | null
  onerror?: (() => void) | null
  send(frame: string): void
  close(code?: number, reason?: string): void
}

/** A way to a server: the same frames, carried differently. */
export interface Transport {
  /** What it is called, such as `websocket`. */
  readonly name: string
  /**
   * Begins to connect. The server's welcome is the first message; what cannot be connected is closed with 1006.
   * @param url Of the WebSocket, `ws:` or `wss:`.
   * @param protocols Subprotocols; among them may be `rotunda.token.` and a token.
   */
  open(url: string, protocols: string[]): TransportSocket
}
