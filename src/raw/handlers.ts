import type { RawConnection } from './raw_connection.ts'

/**
 * What the handlers of a connection are given, by the name of their registration. Written as methods so that a
 * `RawConnection` with metadata is a `RawConnection` still.
 */
export interface RawHandlers<M> {
  data(this: void, connection: RawConnection<M>, data: string | Uint8Array): unknown
  close(this: void, connection: RawConnection<M>, code: number, reason: string): unknown
  error(this: void, connection: RawConnection<M>, error: unknown): unknown
  drain(this: void, connection: RawConnection<M>): unknown
  ping(this: void, connection: RawConnection<M>, data: Uint8Array): unknown
  pong(this: void, connection: RawConnection<M>, data: Uint8Array): unknown
}

/** The handlers of one connection, in the order of registration. */
export class HandlerSets<M> {
  #sets: { [K in keyof RawHandlers<M>]?: Set<RawHandlers<M>[K]> } = {}

  /** Adds a handler; gives what removes it. */
  add<K extends keyof RawHandlers<M>>(name: K, handler: RawHandlers<M>[K]): () => void {
    const sets: { [N in K]?: Set<RawHandlers<M>[N]> } = this.#sets
    const set: Set<RawHandlers<M>[K]> = sets[name] ??= new Set()
    set.add(handler)
    return () => void set.delete(handler)
  }

  /** A copy: handlers may add and remove handlers. */
  get<K extends keyof RawHandlers<M>>(name: K): readonly RawHandlers<M>[K][] {
    const set: ReadonlySet<RawHandlers<M>[K]> | undefined = this.#sets[name]
    return set === undefined ? [] : [...set]
  }

  has(name: keyof RawHandlers<M>): boolean {
    const set = this.#sets[name]
    return set !== undefined && set.size > 0
  }
}
