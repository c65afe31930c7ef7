/** What somebody looks at. It is kept in the page's address, so that a reload or a link shows the same. */
export interface Choice {
  readonly view: 'sessions' | 'rooms' | 'health'
  readonly search: string
  readonly sort: string
  readonly descending: boolean
  readonly page: number
  /** Only sessions in this room. */
  readonly within: string
  readonly slow: boolean
  /** The room that is followed, or the session that is looked at. */
  readonly room: string
  readonly session: string
}

const FIRST: Choice = {
  view: 'sessions',
  search: '',
  sort: 'connected',
  descending: true,
  page: 0,
  within: '',
  slow: false,
  room: '',
  session: '',
}

/** How each view is sorted to begin with. */
export const STARTS: Readonly<Record<Choice['view'], Partial<Choice>>> = {
  sessions: { sort: 'connected', descending: true },
  rooms: { sort: 'members', descending: true },
  health: {},
}

export function readChoice(hash: string): Choice {
  const kept = new URLSearchParams(hash.slice(1))
  const text = (name: string, standard: string) => kept.get(name) ?? standard
  const view = (['sessions', 'rooms', 'health'] as const).find((one) => one === kept.get('view')) ?? FIRST.view
  const start = { ...FIRST, ...STARTS[view] }
  const page = Number(kept.get('page') ?? 0)
  return {
    view,
    search: text('search', ''),
    sort: text('sort', start.sort),
    descending: kept.has('order') ? kept.get('order') === 'desc' : start.descending,
    page: Number.isSafeInteger(page) && page > 0 ? page : 0,
    within: text('in', ''),
    slow: kept.get('slow') === '1',
    room: text('room', ''),
    session: text('session', ''),
  }
}

/** The parameters for the address, and for asking the server. */
export function writeChoice(choice: Choice): URLSearchParams {
  const { view, search, sort, descending, page, within, slow, room, session } = choice
  const written = new URLSearchParams({ view })
  const isList = view !== 'health'
  if (isList) written.set('sort', sort)
  if (isList) written.set('order', descending ? 'desc' : 'asc')
  if (isList && search !== '') written.set('search', search)
  if (isList && page > 0) written.set('page', String(page))
  if (view === 'sessions' && within !== '') written.set('in', within)
  if (view === 'sessions' && slow) written.set('slow', '1')
  if (room !== '') written.set('room', room)
  if (session !== '') written.set('session', session)
  return written
}
