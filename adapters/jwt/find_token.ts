import { RotundaError } from '../../src/mod.ts'
import type { JwtSettings, TokenSource } from './options.ts'

/** How the entry of `Sec-WebSocket-Protocol` begins that a token follows. */
const SUBPROTOCOL = 'rotunda.token.'

/** Where a token is looked for, and what is there. */
type Find = (request: Request, settings: JwtSettings) => string[]

const FIND: Readonly<Record<TokenSource, Find>> = {
  header: ({ headers }) => {
    const given = headers.get('authorization')
    const token = given === null ? undefined : /^Bearer +(\S+) *$/i.exec(given)?.[1]
    return token === undefined ? [] : [token]
  },
  cookie: ({ headers }, { cookie }) => {
    const pairs = headers.get('cookie')?.split(';').map((pair) => pair.trim()) ?? []
    const found = pairs.filter((pair) => pair.startsWith(`${cookie}=`)).map((pair) => pair.slice(cookie.length + 1))
    return found.map((value) => value.replace(/^"(.*)"$/, '$1'))
  },
  subprotocol: ({ headers }) => {
    const offered = headers.get('sec-websocket-protocol')?.split(',').map((name) => name.trim()) ?? []
    return offered.filter((name) => name.startsWith(SUBPROTOCOL)).map((name) => name.slice(SUBPROTOCOL.length))
  },
  query: ({ url }, { query }) => URL.canParse(url) ? new URL(url).searchParams.getAll(query) : [],
}

/**
 * The token of a request; undefined when it has none.
 * @throws {RotundaError} `unauthenticated` when it has two that differ: nobody could say which of them is meant.
 */
export function findToken(request: Request, settings: JwtSettings): string | undefined {
  const found = new Set(settings.from.flatMap((source) => FIND[source](request, settings)))
  if (found.size <= 1) return [...found][0]
  throw new RotundaError('unauthenticated', 'The request has two different tokens.')
}
