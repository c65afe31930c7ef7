/** What a page asks for. */
export interface Query {
  /** What it has samples up to. */
  readonly since: number
  readonly list: 'sessions' | 'rooms' | undefined
  readonly search: string
  readonly sort: string
  readonly descending: boolean
  readonly page: number
  /** Only sessions in this room. */
  readonly within: string | undefined
  /** Only sessions that read too slowly. */
  readonly slow: boolean
  /** Room to follow, and the seq up to which the page has it. */
  readonly room: string | undefined
  readonly after: number
  /** Session to tell more of. */
  readonly session: string | undefined
}

/** Longest text of a query that is read; rooms' names are shorter. */
const MOST_TEXT = 200

/** Reads a query leniently: what is not understood is as if it were not there. */
export function readQuery(parameters: URLSearchParams): Query {
  const text = (name: string) => parameters.get(name)?.slice(0, MOST_TEXT) || undefined
  const number = (name: string) => {
    const value = Number(parameters.get(name) ?? 0)
    return Number.isSafeInteger(value) && value > 0 ? value : 0
  }
  const list = text('list')
  return {
    since: number('since'),
    list: list === 'sessions' || list === 'rooms' ? list : undefined,
    search: (text('search') ?? '').trim().toLowerCase(),
    sort: text('sort') ?? '',
    descending: text('order') === 'desc',
    page: number('page'),
    within: text('in'),
    slow: text('slow') === '1',
    room: text('room'),
    after: number('after'),
    session: text('session'),
  }
}

/** Says the same for queries that are answered with the same list. */
export function listQuestion({ list, search, sort, descending, page, within, slow }: Query): string {
  return JSON.stringify([list, search, sort, descending, page, within, slow])
}
