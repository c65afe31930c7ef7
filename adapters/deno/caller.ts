import type { Caller } from '../../src/mod.ts'
import type { DenoServeInfo } from './runtime.ts'

/**
 * What Deno knows of a request. Not whether its client is still there: the request's own signal is aborted by every
 * answer too, and Deno warns of whoever listens to it.
 */
export function denoCaller(info: DenoServeInfo | undefined): Caller {
  const { hostname = '', port = 0 } = info?.remoteAddr ?? {}
  return { address: hostname, port, gone: undefined, patient: () => {} }
}
