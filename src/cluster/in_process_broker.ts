import type { Broker } from './broker.ts'

type Handler = (bytes: Uint8Array) => void

/** A broker for several hubs in one process: for tests, and to try out what several nodes do. */
export function inProcessBroker(): Broker {
  const topics = new Map<string, Set<Handler>>()
  return {
    publish(topic, bytes) {
      for (const handler of topics.get(topic) ?? []) {
        // It may have unsubscribed before its turn comes.
        queueMicrotask(() => topics.get(topic)?.has(handler) && handler(bytes))
      }
    },
    subscribe(topic, handler) {
      // A function of its own, so that the same handler can be subscribed twice.
      const own: Handler = (bytes) => handler(bytes)
      const handlers = topics.get(topic) ?? new Set()
      topics.set(topic, handlers.add(own))
      return () => {
        handlers.delete(own)
        if (handlers.size === 0 && topics.get(topic) === handlers) topics.delete(topic)
      }
    },
    close() {
      topics.clear()
      return Promise.resolve()
    },
  }
}
