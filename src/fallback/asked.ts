import type { Admission } from '../hub/mod.ts'
import type { Caller } from './caller.ts'

/** A request to one of the endpoints. */
export interface Asked<M> {
  readonly request: Request
  readonly url: URL
  readonly caller: Caller
  /**
   * Finds out about who asks. May refuse by throwing a RotundaError.
   * @param opens Whether a session is opened.
   */
  admit(opens?: boolean): Admission<M> | Promise<Admission<M>>
}

/** The header in which a session's credential may come. */
export const SESSION_HEADER = 'Rotunda-Session'

const CREDENTIAL = /^[0-9a-f-]{36}\.[\w-]{32}$/

/** Which session, or shared mailbox, a request is about; at most one of them. */
export function readSession({ request, url }: Pick<Asked<unknown>, 'request' | 'url'>): {
  readonly credential?: string
  readonly mailbox?: string
} {
  const given = request.headers.get(SESSION_HEADER) ?? url.searchParams.get('session')
  if (given !== null) return { credential: given }
  const either = url.searchParams.get('session_id')
  if (either === null) return {}
  return CREDENTIAL.test(either) ? { credential: either } : { mailbox: either }
}
