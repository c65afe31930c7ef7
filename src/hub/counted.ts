import type { Frame } from '../protocol/codec.ts'
import type { Envelope } from '../protocol/envelope.ts'
import type { Connection } from './connection.ts'
import type { FrameHandler } from './dispatch.ts'
import { OTHER_TYPES, TypeCounts } from './type_metrics.ts'

/** A frame handler that can tell what it handles from what clients make up. */
export interface TypedHandler extends FrameHandler {
  /** Whether anything is handled under this type. */
  knows(type: string): boolean
}

/** A frame handler that is counted and timed. Who does not want that uses the handler itself, at no cost. */
export class Counted implements FrameHandler {
  readonly #handler: TypedHandler
  readonly #counts: TypeCounts

  constructor(handler: TypedHandler, counts: TypeCounts) {
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
    let handling: void | Promise<void>
    try {
      handling = this.#handler.envelope(connection, envelope)
    } catch (error) {
      this.#count(connection, envelope.type, began, true)
      throw error
    }
    if (handling === undefined) return this.#count(connection, envelope.type, began, false)
    return handling.then(() => this.#count(connection, envelope.type, began, false), (error) => {
      this.#count(connection, envelope.type, began, true)
      throw error
    })
  }

  #count(connection: Connection, sent: string, began: number, failed: boolean): void {
    const milliseconds = performance.now() - began
    const type = this.#handler.knows(sent) ? sent : OTHER_TYPES
    this.#counts.add(type, milliseconds, failed)
    connection.typeCounts ??= new TypeCounts()
    connection.typeCounts.add(type, milliseconds, failed)
  }
}
