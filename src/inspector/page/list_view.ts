import type { Page, RoomRow, SessionRow, View } from '../view.ts'
import type { Choice } from './choice.ts'
import { find, mark, say } from './dom.ts'
import { bytes, count, rate, span } from './format.ts'
import { type Column, Table } from './table.ts'

type Change = (change: Partial<Choice>) => void

/** Rows of a page, as the server makes them. */
const ROWS = 50

function sessionColumns(now: () => number, highWaterMark: () => number): Column<SessionRow>[] {
  return [
    {
      name: 'Session',
      className: 'id',
      text: ({ id, subject }) => `${id.slice(0, 8)}${subject === null ? '' : ` · ${subject}`}`,
      title: ({ id }) => id,
    },
    {
      name: 'Address',
      sort: 'address',
      text: ({ address, port }) => (address === '' ? 'unknown' : port === 0 ? address : `${address}:${port}`),
    },
    {
      name: 'Transport',
      sort: 'transport',
      className: 'wide',
      text: ({ transport, codec }) => `${transport} · ${codec}`,
    },
    {
      name: 'Connected',
      sort: 'connected',
      descends: true,
      className: 'number middle',
      text: ({ connectedAt }) => span(now() - connectedAt),
      title: ({ connectedAt }) => new Date(connectedAt).toLocaleString(),
    },
    {
      name: 'Last heard',
      sort: 'seen',
      descends: true,
      className: 'number wide',
      text: ({ seenAt }) => span(now() - seenAt),
    },
    {
      name: 'Rooms',
      sort: 'rooms',
      descends: true,
      className: 'number middle',
      text: ({ rooms }) => count(rooms),
    },
    {
      name: 'In',
      sort: 'in',
      descends: true,
      className: 'number middle',
      text: ({ messagesIn }) => count(messagesIn),
      title: ({ framesIn, bytesIn }) => `${count(framesIn)} frames, ${bytes(bytesIn)}`,
    },
    {
      name: 'Out',
      sort: 'out',
      descends: true,
      className: 'number',
      text: ({ messagesOut }) => count(messagesOut),
      title: ({ framesOut, bytesOut }) => `${count(framesOut)} frames, ${bytes(bytesOut)}`,
    },
    {
      name: 'Sent',
      sort: 'bytesOut',
      descends: true,
      className: 'number wide',
      text: ({ bytesOut }) => bytes(bytesOut),
    },
    {
      name: 'Buffered',
      sort: 'buffered',
      descends: true,
      className: 'number middle',
      text: ({ buffered }) => bytes(buffered),
      alarms: ({ buffered }) => buffered > highWaterMark(),
    },
    {
      name: 'State',
      sort: 'behind',
      descends: true,
      text: ({ state, behind }) => (state !== 'open' ? state : behind > 0 ? `behind in ${behind}` : 'live'),
      alarms: ({ state, behind }) => state === 'closing' || behind > 0,
    },
  ]
}

const ROOM_COLUMNS: readonly Column<RoomRow>[] = [
  { name: 'Room', sort: 'name', className: 'name', text: ({ name }) => name },
  { name: 'Members', sort: 'members', descends: true, className: 'number', text: ({ members }) => count(members) },
  { name: 'Messages', sort: 'head', descends: true, className: 'number', text: ({ head }) => count(head) },
  {
    name: 'Stored a second',
    sort: 'rate',
    descends: true,
    className: 'number',
    text: (row) => (row.rate === null ? '–' : rate(row.rate)),
  },
]

/** The list of sessions or of rooms, with what it is searched and turned by. */
export class ListView {
  readonly #search = find('search', HTMLInputElement)
  readonly #slow = find('slow', HTMLButtonElement)
  readonly #within = find('within', HTMLButtonElement)
  readonly #follow = find('follow', HTMLButtonElement)
  readonly #previous = find('previous', HTMLButtonElement)
  readonly #next = find('next', HTMLButtonElement)
  readonly #range = find('range', HTMLElement)
  readonly #empty = find('empty', HTMLElement)
  readonly #table = find('table', HTMLTableElement)
  readonly #change: Change
  #of: Choice['view'] | undefined
  #sessions: Table<SessionRow> | undefined
  #rooms: Table<RoomRow> | undefined
  #choice: Choice
  #now = 0
  #highWaterMark = Infinity

  constructor(choice: Choice, change: Change) {
    this.#choice = choice
    this.#change = change
    this.#search.addEventListener('input', () => change({ search: this.#search.value.trim(), page: 0 }))
    this.#slow.addEventListener('click', () => change({ slow: !this.#choice.slow, page: 0 }))
    this.#within.addEventListener('click', () => change({ within: '', page: 0 }))
    this.#follow.addEventListener('click', () => change({ room: this.#choice.search, session: '' }))
    this.#previous.addEventListener('click', () => change({ page: this.#choice.page - 1 }))
    this.#next.addEventListener('click', () => change({ page: this.#choice.page + 1 }))
  }

  /** Shows what was chosen at once; what is in it follows. */
  choose(choice: Choice): void {
    this.#choice = choice
    const { view, search, within, slow } = choice
    if (this.#search.value.trim() !== search) this.#search.value = search
    const what = view === 'rooms' ? 'Find rooms by name' : 'Find sessions by id, name, address'
    this.#search.placeholder = what
    this.#search.setAttribute('aria-label', what)
    mark(this.#slow, 'aria-pressed', String(slow))
    this.#slow.hidden = view !== 'sessions'
    this.#within.hidden = view !== 'sessions' || within === ''
    say(this.#within, `in ${within} ✕`)
    this.#within.setAttribute('aria-label', `Show sessions of all rooms, not only of ${within}`)
    this.#follow.hidden = view !== 'rooms' || search === ''
    say(this.#follow, `Follow “${search}”`)
    if (view === this.#of || view === 'health') return
    this.#of = view
    this.#empty.hidden = true
    const sort = (by: string, descending: boolean) => this.#change({ sort: by, descending, page: 0 })
    this.#sessions = this.#rooms = undefined
    if (view === 'sessions') {
      const columns = sessionColumns(() => this.#now, () => this.#highWaterMark)
      const open = ({ id }: SessionRow) => this.#change({ session: id, room: '' })
      this.#sessions = new Table(this.#table, columns, ({ id }) => id, { sort, open })
    } else {
      const open = ({ name }: RoomRow) => this.#change({ room: name, session: '' })
      this.#rooms = new Table(this.#table, ROOM_COLUMNS, ({ name }) => name, { sort, open })
    }
  }

  show(view: View): void {
    this.#now = view.now
    this.#highWaterMark = view.limits.highWaterMark
    const { sort, descending, session, room } = this.#choice
    if (view.sessions !== undefined) this.#sessions?.show(view.sessions.rows, sort, descending, session)
    if (view.rooms !== undefined) this.#rooms?.show(view.rooms.rows, sort, descending, room)
    const page = view.sessions ?? view.rooms
    if (page !== undefined) this.#turn(page)
  }

  #turn({ rows, total, page, pages }: Page<unknown>): void {
    const from = page * ROWS
    say(this.#range, total === 0 ? '' : `${count(from + 1)}–${count(from + rows.length)} of ${count(total)}`)
    this.#previous.disabled = page === 0
    this.#next.disabled = page >= pages - 1
    this.#empty.hidden = total > 0
    this.#table.hidden = total === 0
    const { view, search, slow, within } = this.#choice
    const narrowed = search !== '' || (view === 'sessions' && (slow || within !== ''))
    const what = view === 'rooms' ? 'room' : 'session'
    const all = view === 'rooms' ? 'Nobody is in a room on this node.' : 'Nobody is connected to this node.'
    say(this.#empty, narrowed ? `No ${what} is like that.` : all)
  }
}
