import type { CloseInfo, Connection } from '../connection/connection.ts'
import { Listeners } from '../listeners.ts'

/** One for each connection, however many rooms want to know. */
const all = new WeakMap<Connection, Listeners<[CloseInfo]>>()

/** Tells when the connection is lost, after its client was told; returns what ends it. */
export function onDown(connection: Connection, handler: (close: CloseInfo) => void): () => void {
  let listeners = all.get(connection)
  if (!listeners) {
    const told = listeners = new Listeners<[CloseInfo]>()
    all.set(connection, told)
    const { events } = connection
    const down = events.down.bind(events)
    events.down = (close) => {
      down(close)
      told.tell(console.error, close)
    }
  }
  return listeners.add(handler)
}
