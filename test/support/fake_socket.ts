import type { WebSocketConstructor } from '../../src/client/mod.ts'
import type { Envelope, Frame } from '../../src/protocol/mod.ts'

/** A WebSocket of which a test is the other end. */
export class FakeSocket {
  binaryType = 'blob'
  bufferedAmount = 0
  protocol = ''
  /** Subprotocols that were offered. */
  readonly offered: readonly string[]
  /** Frames that the client sent. */
  readonly sent: Frame[] = []
  /** How the client closed it. */
  closed: { readonly code: number | undefined; readonly reason: string | undefined } | undefined
  onmessage: ((event: { data: string | ArrayBuffer }) => void) | undefined
  onclose: ((event: { code: number; reason: string }) => void) | undefined
  onerror: (() => void) | undefined

  constructor(offered: readonly string[]) {
    this.offered = offered
  }

  send(frame: Frame): void {
    this.sent.push(frame)
  }

  close(code?: number, reason?: string): void {
    this.closed = { code, reason }
  }

  /** The server chooses a subprotocol, JSON unless said otherwise, and welcomes the client. */
  welcome(limits: { readonly maxBatch?: number; readonly maxMessageSize?: number } = {}, session = 's1'): void {
    if (this.offered.includes('rotunda.v1.json')) this.protocol = 'rotunda.v1.json'
    const payload = { session, node: 'n', epoch: 'e', maxBatch: 512, maxMessageSize: 65_536, ...limits }
    this.receive({ type: 'session.welcome', payload })
  }

  /** A frame of the server: text or bytes as they are, anything else as JSON. */
  receive(frame: Frame | Envelope | readonly Envelope[]): void {
    if (frame instanceof Uint8Array) this.onmessage?.({ data: frame.slice().buffer })
    else this.onmessage?.({ data: typeof frame === 'string' ? frame : JSON.stringify(frame) })
  }

  /** What the client sent so far, one envelope after the other; frames of JSON only. */
  get envelopes(): (Envelope & { readonly encoding?: string })[] {
    return this.sent.flatMap((frame) => JSON.parse(frame as string) as Envelope[])
  }

  /** The first of them with this type. */
  find(type: string): Envelope | undefined {
    return this.envelopes.find((envelope) => envelope.type === type)
  }
}

/** A constructor of such sockets, and those it has made. */
export function fakeWebSocket(): { readonly WebSocket: WebSocketConstructor; readonly sockets: FakeSocket[] } {
  const sockets: FakeSocket[] = []
  function make(_url: string, offered: string[]): FakeSocket {
    const socket = new FakeSocket(offered)
    sockets.push(socket)
    return socket
  }
  return { WebSocket: make as unknown as WebSocketConstructor, sockets }
}
