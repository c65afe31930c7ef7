import { RotundaError } from '../protocol/errors.ts'

/** Least length of a password, in characters. */
const LEAST_PASSWORD = 12

/** Who may use the inspector, and what it shows. One of `authorize` and `password` must be given. */
export interface InspectorOptions {
  /**
   * Decides about every request to the inspector; what is not true refuses it with 403. A RotundaError that it throws
   * refuses with that error. Looking is GET, closing a session is POST: `request.method === 'GET'` lets look only.
   */
  readonly authorize?: (request: Request) => boolean | Promise<boolean>
  /** Asked for by HTTP Basic, with any user name; 12 characters at least. Use it over TLS. */
  readonly password?: string
  /** Whether the beginning of messages' payloads is shown of rooms that are followed. Default false. */
  readonly payloads?: boolean
}

/** Options of which one says who may come in. */
export type CheckedOptions = { readonly payloads: boolean } & Credential

type Credential = { readonly authorize: NonNullable<InspectorOptions['authorize']> } | { readonly password: string }

/**
 * @throws {RotundaError} `invalid_config` for an inspector that anybody could use, or for which it is unclear who may.
 */
export function checkInspector(options: InspectorOptions): CheckedOptions {
  const { authorize, password, payloads = false } = Object(options) as InspectorOptions
  if (typeof payloads !== 'boolean') throw invalid('inspector.payloads must be true or false.')
  if (authorize !== undefined && password !== undefined) {
    throw invalid('inspector has both authorize and password; give it one of them.')
  }
  if (authorize !== undefined) {
    if (typeof authorize !== 'function') throw invalid('inspector.authorize must be a function of the request.')
    return { authorize, payloads }
  }
  if (password === undefined) {
    throw invalid('inspector needs { authorize } or { password }: it is not served to everybody.')
  }
  // The password itself is not for logs.
  if (typeof password !== 'string' || [...password].length < LEAST_PASSWORD) {
    throw invalid(`inspector.password must have ${LEAST_PASSWORD} characters or more.`)
  }
  return { password, payloads }
}

function invalid(message: string): RotundaError {
  return new RotundaError('invalid_config', message)
}
