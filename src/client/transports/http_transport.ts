import type { Transport, TransportSocket } from './transport.ts'

/** How requests are made. */
export interface HttpOptions {
  /** Makes the requests. Default: the global `fetch`. */
  readonly fetch?: typeof fetch
  /** `include` for cookies of another origin, which must be among the server's `fallback.origins`. */
  readonly credentials?: RequestCredentials
}

/** What takes what comes from the server has of its socket. */
export interface Http {
  /** @throws as rejection when it is not answered; the answer when it is refused. */
  ask(method: string, path: string, parameters?: string): Promise<Response>
  /** Hands over a frame, of one envelope or an array of them. */
  receive(data: string): void
  /** Whether nothing more is wanted. */
  isOver(): boolean
}

/** Characters of one request; of three bytes each at most, and each envelope has more than 24. */
const MOST = 12_000

interface Control {
  readonly type: string
  readonly payload: {
    readonly credential: string
    readonly maxMessageSize: number
    readonly code: number
    readonly reason: string
  }
}

/**
 * A transport over HTTP: what is sent leaves by `POST /send`, one request at a time. Whatever goes wrong closes its
 * socket with 1006, as it does a WebSocket: what it means is found out by connecting again.
 *
 * @param run Connects and takes what comes, for as long as it lasts.
 * @param leaves Whether the server does not notice by itself that it is over.
 */
export function httpTransport(
  name: string,
  run: (http: Http) => Promise<void>,
  { fetch = globalThis.fetch, credentials = 'same-origin' }: HttpOptions,
  leaves = false,
): Transport {
  const open = (url: string, protocols: string[]): TransportSocket => {
    const gone = new AbortController()
    let token = /token\.(\S+)/.exec(protocols.join(' '))?.[1]
    let session = ''
    let largest = MOST
    let queue: string[] = []
    let isOver = false
    let sending: Promise<void> | undefined

    const ask = async (method: string, path: string, parameters = '', init?: RequestInit): Promise<Response> => {
      // In place of the last part of the path, before parameters that are there already.
      const target = url.replace(/^ws/, 'http').replace(/[^/?]*(\?|$)/, `${path}?${parameters}&`)
      const headers: Record<string, string> = { 'content-type': 'application/json', 'rotunda-session': session }
      if (token) headers['authorization'] = `Bearer ${token}`
      const { signal } = gone
      const response = await fetch(target, { method, headers, credentials, signal, cache: 'no-store', ...init })
      if (response.ok) return response
      throw response
    }

    const end = (code: number, reason: string) => {
      if (isOver) return
      isOver = true
      gone.abort()
      socket.onclose?.({ code, reason })
    }
    const fail = () => end(1006, '')

    const sendAll = async () => {
      while (queue[0]) {
        let size = 0
        const fits = queue.filter((frame, i) => (size += frame.length + 1) < largest || !i)
        queue = queue.slice(fits.length)
        const body = fits[1] ? `[${fits.map((frame) => frame.replace(/^\[|]$/g, '')).join()}]` : fits[0]!
        await (await ask('POST', 'send', '', { body })).text()
      }
      sending = undefined
    }

    const receive = (data: string) => {
      if (isOver) return
      let closed: Control | undefined
      if (data.includes('"session.')) {
        for (const control of [JSON.parse(data)].flat() as Control[]) {
          const { type, payload } = control
          if (type === 'session.welcome') {
            session = payload.credential
            largest = Math.min(MOST, payload.maxMessageSize / 3)
          } else if (type === 'session.closed') closed = control
        }
      }
      socket.onmessage?.({ data })
      if (closed) end(closed.payload.code, closed.payload.reason)
    }

    const socket: TransportSocket = {
      protocol: '',
      get bufferedAmount() {
        return queue.join().length
      },
      onmessage: null,
      onclose: null,
      send(frame) {
        // Each request is known by its token, and an old one would not do any more.
        token = /"session\.auth".*"token":"([^"]*)/.exec(frame)?.[1] ?? token
        queue.push(frame)
        sending ??= sendAll().catch(fail)
      },
      close() {
        if (isOver) return
        isOver = true
        void Promise.resolve(sending).then(() => {
          gone.abort()
          if (leaves && session) ask('DELETE', name, '', { keepalive: true, signal: null }).catch(() => {})
        })
      },
    }
    queueMicrotask(() => void run({ ask, receive, isOver: () => isOver }).then(fail, fail))
    return socket
  }
  return { name, open }
}
