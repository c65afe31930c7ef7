/**
 * Carries messages between the nodes of a cluster. At most once is enough: what is lost, late, doubled or out of order
 * costs latency, never truth, so an implementation need neither store nor repeat anything.
 *
 * @example
 * ```ts
 * const broker = inProcessBroker()
 * const hubs = ['a', 'b'].map((node) => createHub({ protocol: chat, store, broker, node }))
 * ```
 */
export interface Broker {
  /**
   * Sends bytes to whoever is subscribed to the topic, on every node, this one included. Does not throw: what cannot be
   * sent is lost. The bytes are the broker's from then on.
   *
   * @param topic At most 200 UTF-16 code units; a room's name may be in it.
   */
  publish(topic: string, bytes: Uint8Array): void
  /**
   * Calls the handler with what is published to the topic from now on, or from soon after: a subscription may take a
   * moment to become known. Never within the call itself. Returns what ends it; nothing comes after that.
   *
   * @param handler Must not throw, nor change the bytes: others may be given the same.
   */
  subscribe(topic: string, handler: (bytes: Uint8Array) => void): () => void
  /** Ends all subscriptions; what is published afterwards is lost. Idempotent. */
  close(): Promise<void>
}
