import type { Contract, EventInput, EventName } from '../protocol/contract.ts'
import type { PublishResult } from './context.ts'
import type { History } from './history.ts'
import type { HubCore } from './core.ts'
import type { PresenceMember } from './presence/presence.ts'
import type { Session } from './session.ts'

/** A room by name, whether or not somebody is in it. Cheap: make one where it is needed. */
export class RoomHandle<C extends Contract, M> {
  readonly name: string
  readonly #core: HubCore<C, M>

  constructor(core: HubCore<C, M>, name: string) {
    this.#core = core
    this.name = name
  }

  /** Sessions in the room on this node. */
  get size(): number {
    return this.#core.rooms.get(this.name)?.size ?? 0
  }

  /** The sessions in the room on this node. */
  get members(): Session<C, M>[] {
    return this.#core.rooms.get(this.name)?.members().map((member) => this.#core.sessionOf(member)) ?? []
  }

  /** Who is present in the room, on all nodes. */
  presence(): Promise<PresenceMember[]> {
    return this.#core.presence.members(this.name)
  }

  /**
   * Publishes an event to the room as the server: a durable one is stored, then delivered, and the promise gives its
   * place; an ephemeral one is delivered at most once to who is here.
   *
   * @param options.key Producer key: the same key in the same room is the same message.
   * @param options.from Who is named as sender; nobody when absent.
   * @throws {RotundaError} `unknown_type`, `invalid_payload`, `overloaded`, `store_unavailable`
   */
  publish<K extends EventName<C>>(
    type: K,
    payload: EventInput<C, K>,
    options: { key?: string; from?: string } = {},
  ): PublishResult<C, K> {
    return this.#core.publish(this.name, type, payload, options) as PublishResult<C, K>
  }

  /**
   * Sends an event to who is in the room now, at most once and never stored, whatever the contract says of it.
   * @throws {RotundaError} `unknown_type`, `invalid_payload`
   */
  broadcast<K extends EventName<C>>(
    type: K,
    payload: EventInput<C, K>,
    options: { except?: Session<C, M> } = {},
  ): void {
    this.#core.broadcast(type, payload, { room: this.name, except: options.except })
  }

  /** Sends a text frame as it is, outside of the protocol, to who is in the room now. */
  broadcastText(text: string, options: { except?: Session<C, M> } = {}): void {
    this.#core.broadcastText(text, { room: this.name, except: options.except })
  }

  /**
   * A page of the room's log: the newest messages, those before an id, or (oldest first) those after a seq.
   * @throws {RotundaError} `invalid_cursor`, `invalid_limit`, `store_unavailable`
   */
  history(options: { before?: string; after?: number; limit?: number } = {}): Promise<History> {
    return this.#core.history(this.name, options)
  }
}
