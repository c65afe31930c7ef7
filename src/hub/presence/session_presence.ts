import type { PresenceRoom } from './presence_room.ts'
import type { PresenceWatcher } from './presence_watcher.ts'

/** Where one session is present, and where it watches. */
export class SessionPresence {
  /** Whom it is present as; undefined before it first was. */
  member: string | undefined
  readonly rooms: Set<PresenceRoom> = new Set()
  readonly watchers: Map<PresenceRoom, PresenceWatcher> = new Map()

  /** The peer has taken what was buffered. */
  drained(): void {
    for (const watcher of this.watchers.values()) watcher.resume()
  }

  /** What channels have sent that was not counted yet. */
  *received(): Iterable<{ readonly frames: number; readonly messages: number; readonly bytes: number }> {
    for (const watcher of this.watchers.values()) yield watcher.received
  }
}
