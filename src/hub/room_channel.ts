import { Channel } from './channel.ts'
import type { Subscription } from './subscription.ts'

/** Members of a room that are served together: some of those that get the same frames. */
export class RoomChannel extends Channel<Subscription> {
  /** Seq up to which those who are live were served: their position. */
  head = 0
  /** Number of the delivery that comes next. */
  next = 0
  /** Those who read the log until they are where the others are. */
  readonly behind: Set<Subscription> = new Set()

  get members(): number {
    return this.size + this.behind.size
  }

  override add(subscription: Subscription): void {
    this.behind.delete(subscription)
    super.add(subscription)
  }

  /** Who is no longer live reads the log, until it leaves. */
  override remove(subscription: Subscription): void {
    this.behind.add(subscription)
    super.remove(subscription)
  }

  leave(subscription: Subscription): void {
    super.remove(subscription)
    this.behind.delete(subscription)
  }
}
