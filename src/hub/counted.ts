import type { Frame } from '../protocol/codec.ts'
import type { Envelope } from '../protocol/envelope.ts'
import type { Connection } from './connection.ts'
import type { FrameHandler } from './dispatch.ts'
import { TypeCounts } from './type_metrics.ts'

/** A frame handler that is counted and timed. Who does not want that uses the handler itself, at no cost. */
export class Counted implements FrameHandler {
  readonly #handler: FrameHandler
  readonly #counts: TypeCounts

  constructor(handler: FrameHandler, counts: TypeCounts) {
    this.#handler = handler
    this.#counts = counts
  }

  raw(connection: Connection, frame: Frame): boolean | Promise<boolean> {
    return this.#handler.raw(connection, frame)
  }

  report(error: unknown, connection: Connection): void {
    this.#handler.report(error, connection)
  }

  envelope(connection: Connection, envelope: Envelope): void | Promise<void> {
    const began = performance.now()
    const count = (failed: boolean) => this.#count(connection, envelope.type, performance.now() - began, failed)
    try {
      const handling = this.#handler.envelope(connection, envelope)
      if (handling === undefined) return count(false)
      return handling.then(() => count(false), (error) => {
        count(true)
        throw error
      })
    } catch (error) {
      count(true)
      throw error
    }
  }

  #count(connection: Connection, type: string, milliseconds: number, failed: boolean): void {
    this.#counts.add(type, milliseconds, failed)
    connection.typeCounts ??= new TypeCounts()
    connection.typeCounts.add(type, milliseconds, failed)
  }
}
