import type { Contract } from '../protocol/contract.ts'
import type { Authenticated } from '../protocol/reserved.ts'
import { RotundaError } from '../protocol/rotunda_error.ts'
import type { Client } from './client.ts'

/** How a client proves who it is. */
export interface AuthenticateOptions {
  /** Milliseconds before a token's end at which the next one is asked for, or half of its time where that is less. Default 30,000. */
  readonly before?: number
  /**
   * Whether the token goes along when connecting, as a subprotocol: where the server must know who it is from the start,
   * and no cookie says so. Otherwise it is the first thing sent on each connection. Default true.
   */
  readonly handshake?: boolean
}

/** No timer of any platform waits longer, in milliseconds. */
const LONGEST_WAIT = 2 ** 31 - 1

/**
 * Proves who this client is, on every connection, and again before a token ends.
 *
 * Give it a client that is not connected yet (`autoConnect: false`): it connects, once there is a token. After a
 * connection has ended it asks for a fresh token before the next. What `token` throws, and what the server says of a
 * token that it refuses, is told to the client's `onError`.
 *
 * @param token A token, or what gets one, from your server or from storage; asked again for each fresh one.
 * @returns What ends it; the connection is left as it is.
 * @example
 * ```ts
 * const client = createClient({ url, protocol: chat, autoConnect: false })
 * authenticate(client, async () => (await fetch('/token', { method: 'POST' })).text())
 * ```
 */
export function authenticate<C extends Contract>(
  client: Client<C>,
  token: string | (() => string | Promise<string>),
  { before = 30_000, handshake = true }: AuthenticateOptions = {},
): () => void {
  const { calls: outbox } = client
  const { connection } = outbox
  const { clock, events, settings } = connection
  const { open, down } = events
  const { WebSocket } = settings
  const pause = connection.pause.bind(connection)
  const send = connection.send.bind(connection)
  let current: string | undefined
  let isEnded = false
  let cancel = () => {}
  /** Lets what waits for the token follow it. */
  let release = () => {}

  /** Undefined where there is none, which was told. */
  const renew = async (): Promise<string | undefined> => {
    try {
      return current = typeof token === 'string' ? token : await token()
    } catch (cause) {
      client.receiver.report(new RotundaError('unauthenticated', 'There is no token.', { cause }))
      return undefined
    }
  }
  const schedule = ({ expiresIn }: Pick<Authenticated, 'expiresIn'>) => {
    cancel()
    if (expiresIn === null || typeof token === 'string') return
    const wait = Math.max(expiresIn - before, expiresIn / 2)
    cancel = clock.after(Math.min(wait, LONGEST_WAIT), () => void present(renew()))
  }
  /** Shows the server a token on this connection. */
  const present = async (next: Promise<string | undefined>) => {
    const { welcome } = connection
    const shown = await next
    // In the meantime there may be another connection, which begins with a token of its own.
    if (isEnded || connection.welcome !== welcome || !connection.isOpen) return
    try {
      const answer = shown === undefined ? undefined : outbox.call({ type: 'session.auth', payload: { token: shown } })
      release()
      schedule(await answer as Authenticated | undefined ?? { expiresIn: before })
    } catch (error) {
      if (isEnded || connection.welcome !== welcome || !connection.isOpen) return
      client.receiver.report(error)
      // Another one may be better.
      schedule({ expiresIn: before })
    }
  }

  events.open = (welcome) => {
    if (welcome.identity && handshake) {
      schedule(welcome.identity)
      return open(welcome)
    }
    // What is sent must not come before what it needs.
    const waiting: Parameters<typeof send>[] = []
    connection.send = (...given) => {
      if (given[0].type === 'session.auth') send(...given)
      else waiting.push(given)
    }
    release = () => {
      release = () => {}
      connection.send = send
      for (const given of waiting) {
        try {
          send(...given)
        } catch (error) {
          client.receiver.report(error)
        }
      }
    }
    void present(current === undefined ? renew() : Promise.resolve(current))
    open(welcome)
  }
  events.down = (close) => {
    cancel()
    if (close.willReconnect) void renew()
    release = () => {}
    connection.send = send
    down(close)
  }
  const withToken = function (url: string, protocols: string[]): WebSocket {
    return new WebSocket(url, current && handshake ? [...protocols, `rotunda.token.${current}`] : protocols)
  }
  connection.pause = (code, reason) => {
    const milliseconds = pause(code, reason)
    // The next attempt has a fresh one, also where the server has refused this one; another transport has the same.
    if (milliseconds && !connection.isOpen) void renew()
    return milliseconds
  }
  const own = settings as { -readonly [K in keyof typeof settings]: typeof settings[K] }
  own.WebSocket = withToken as unknown as typeof WebSocket
  void renew().then(() => {
    if (!isEnded) client.connect()
  })

  return () => {
    isEnded = true
    cancel()
    release()
    Object.assign(events, { open, down })
    Object.assign(connection, { pause })
    own.WebSocket = WebSocket
  }
}
