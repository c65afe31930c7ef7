import { chat } from '../../examples/chat/protocol.ts'
import { type Addition, createClient } from '../../src/client/mod.ts'
import type { Envelope } from '../../src/mod.ts'
import type { ChatClient } from '../support/with_client.ts'
import type { Ledger } from './ledger.ts'

/** When a client was told to move, and when it left. */
export interface Move {
  readonly window: number
  readonly toldAt: number
  leftAt?: number
}

/** Makes the clients of a run, all of one server's address. */
export class Clients {
  readonly moves: Move[] = []
  epoch: string | undefined
  readonly #url: string
  readonly #ledger: Ledger
  readonly #use: () => readonly Addition[]
  readonly #open = new Set<ChatClient>()

  /** @param use What each client is made with. */
  constructor(port: number, ledger: Ledger, use: () => readonly Addition[] = () => []) {
    this.#url = `ws://127.0.0.1:${port}/ws`
    this.#ledger = ledger
    this.#use = use
  }

  connect(): ChatClient {
    const backoff = { base: 20, max: 150 }
    const client = createClient({ url: this.#url, protocol: chat, backoff, use: this.#use() })
    this.#open.add(client)
    client.onOpen(({ epoch }) => {
      this.epoch ??= epoch
      this.#ledger.connects += 1
    })
    let move: Move | undefined
    client.onMessage((frame) => {
      const text = String(frame)
      for (const { type, payload } of notices(text)) {
        if (type === 'session.drain') {
          this.moves.push(move = { window: (payload as { window: number }).window, toldAt: performance.now() })
        } else if ((payload as { retryable?: boolean }).retryable) this.#ledger.retries += 1
      }
      this.#ledger.changed()
    })
    client.onClose(() => {
      if (move !== undefined) move.leftAt ??= performance.now()
      this.#ledger.changed()
    })
    return client
  }

  close(client: ChatClient): void {
    this.#open.delete(client)
    client.close()
  }

  closeAll(): void {
    for (const client of this.#open) this.close(client)
  }
}

/** The errors and requests to move in a frame. */
function notices(frame: string): Envelope[] {
  // Most frames have none, and decoding all of them twice would be most of the work.
  if (!/"type":"(?:error|session\.drain)"/.test(frame)) return []
  const value = JSON.parse(frame) as Envelope | Envelope[]
  return (Array.isArray(value) ? value : [value]).filter(({ type }) => type === 'error' || type === 'session.drain')
}
