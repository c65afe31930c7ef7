import type { Companions, Entrance, HubMetrics, Inspection, Limits, Logger } from '../hub/mod.ts'
import { RotundaError } from '../protocol/errors.ts'
import { isSendableCloseCode } from '../protocol/mod.ts'
import { quote } from '../protocol/names.ts'
import type { Operator } from './guard.ts'
import { followed, type RoomTail, tailOf } from './follow.ts'
import { listQuestion, type Query } from './query.ts'
import { Recorder } from './recorder.ts'
import { listRooms, RoomRates } from './rooms.ts'
import { detailOf, listSessions } from './sessions.ts'
import { Shared } from './shared.ts'
import type { Page, RoomRow, SessionRow, View } from './view.ts'

/** How long after the last look everything that was made for looking is forgotten, in milliseconds. */
const IDLE = 15_000

/** The hub, as far as it is inspected. */
export interface InspectedHub {
  readonly node: string
  readonly epoch: string
  readonly limits: Limits
  readonly metrics: HubMetrics
  readonly companions: Companions
  readonly reader: { readonly inspection: Inspection }
  readonly entrance: Pick<Entrance, 'addressOf'>
  readonly logger: Logger
}

/** What is shown of a hub. Nothing is computed unless somebody asks, and then once for all who ask. */
export class Inspector {
  readonly #hub: InspectedHub
  readonly #inspection: Inspection
  readonly #payloads: boolean
  readonly #recorder = new Recorder()
  readonly #rates = new RoomRates()
  readonly #looks = new Shared<void>()
  readonly #sessions = new Shared<Page<SessionRow>>()
  readonly #rooms = new Shared<Page<RoomRow>>()
  readonly #tails = new Shared<RoomTail>()
  #forgetting: (() => void) | undefined

  constructor(hub: InspectedHub, payloads: boolean) {
    this.#hub = hub
    this.#inspection = hub.reader.inspection
    this.#payloads = payloads
  }

  async view(query: Query): Promise<View> {
    this.#forgetLater()
    const { node, epoch, limits } = this.#hub
    await this.#looks.get('samples', () => this.#recorder.record(this.#hub))
    const [list, room] = await Promise.all([this.#list(query), this.#room(query)])
    return {
      node,
      epoch,
      now: Date.now(),
      samples: this.#recorder.since(query.since),
      bounds: this.#recorder.bounds,
      limits: {
        connections: limits.maxConnections,
        journal: limits.maxJournalQueue,
        highWaterMark: limits.highWaterMark,
      },
      groups: this.#recorder.groups,
      showsPayloads: this.#payloads,
      ...list,
      ...room,
      ...this.#session(query),
    }
  }

  /**
   * Closes a session, and tells the log who did.
   * @throws {RotundaError} `not_found`, `invalid_payload`
   */
  close(session: string, code: number, reason: string, by: Operator): void {
    const connection = this.#inspection.connections.get(session)
    if (connection === undefined) throw new RotundaError('not_found', `Session ${quote(session)} is over.`)
    if (!isSendableCloseCode(code)) {
      throw new RotundaError('invalid_payload', `Code ${code} cannot be sent; take 1000 or one from 3000 to 4999.`)
    }
    connection.close(code, reason)
    const name = by.name === undefined ? '' : ` ${quote(by.name)}`
    this.#hub.logger.warn(
      `rotunda: inspector: session ${connection.id} closed with ${code} by${name} from ${by.address || 'somewhere'}.`,
    )
  }

  async #list(query: Query): Promise<Pick<View, 'sessions' | 'rooms'>> {
    const inspection = this.#inspection
    const question = listQuestion(query)
    if (query.list === 'sessions') {
      const { connections } = inspection
      const make = () => listSessions(connections.values(), query, this.#hub.limits.highWaterMark)
      return { sessions: await this.#sessions.get(question, make) }
    }
    if (query.list !== 'rooms') return {}
    await this.#looks.get('rates', () => this.#rates.look(inspection))
    return { rooms: await this.#rooms.get(question, () => listRooms(inspection, this.#rates, query)) }
  }

  async #room({ room, after }: Query): Promise<Pick<View, 'followed'>> {
    if (room === undefined) return {}
    const inspection = this.#inspection
    const tail = await this.#tails.get(room, () => tailOf(inspection, room, this.#payloads))
    return { followed: followed(room, inspection.members(room), tail, after) }
  }

  #session({ session }: Query): Pick<View, 'session'> {
    if (session === undefined) return {}
    const connection = this.#inspection.connections.get(session)
    return { session: connection === undefined ? null : detailOf(connection) }
  }

  #forgetLater(): void {
    this.#forgetting?.()
    this.#forgetting = this.#hub.companions.executor.after(IDLE, () => {
      for (const made of [this.#recorder, this.#rates, this.#looks, this.#sessions, this.#rooms, this.#tails]) {
        made.clear()
      }
    })
  }
}
