import process from 'node:process'
import { authenticate, createClient } from '../../../src/client/mod.ts'
import { type Fallback, fallback, longPolling, sse, webSocket } from '../../../src/client/transports/mod.ts'
import type { Allowance } from '../../../src/mod.ts'
import { type BadProxy, startBadProxy } from '../bad_proxy.ts'
import type { Random } from '../random.ts'
import { signed } from '../tokens.ts'
import { once } from '../with_client.ts'
import type { FixtureClient } from '../with_hub.ts'
import { fixture } from './fixture_protocol.ts'

/** How clients come to a server: over one transport, or over each of them by turns. */
export const WAYS = ['websocket', 'sse', 'poll', 'switching'] as const
export type Way = typeof WAYS[number]

/** Decides where turns lead. A failure names it; `ROTUNDA_SEED` runs it again. */
export const SEED: number = Number(process.env['ROTUNDA_SEED'] ?? Date.now() % 4_294_967_296)

const TRANSPORTS = { websocket: webSocket, sse, poll: longPolling } as const
type Name = keyof typeof TRANSPORTS
const NAMES = Object.keys(TRANSPORTS) as Name[]
/** Requests of all transports but one. */
const OTHERS: Readonly<Record<Name, RegExp>> = {
  websocket: /^\w+ \/(?:sse|poll)/,
  sse: /^\w+ \/(?:ws|poll)/,
  poll: /^\w+ \/(?:ws|sse)/,
}

/** Who a client is, and what it may do in which rooms. */
export interface Who {
  readonly as?: string
  readonly rooms?: Readonly<Record<string, Allowance>>
  /** What it gives the server, one after the other, in place of a token that says so. */
  readonly tokens?: readonly string[]
}

/** A client of one way, and the id of its session, as soon as it has one. */
export interface Comer {
  readonly client: FixtureClient
  session(): Promise<string>
}

/** A way to a server. */
export interface OpenWay {
  readonly name: Way
  /** A client that comes this way. It comes back fast, so that tests do not wait. */
  connect(who?: Who): Comer
  /** Takes the transport away that is in use, in mid-stream, where there are others; resolves when all are on the next. */
  turn(): Promise<void>
  close(): Promise<void>
}

/** Opens a way to a server at a port. */
export async function openWay(name: Way, port: number, random: Random): Promise<OpenWay> {
  const comers: { readonly client: FixtureClient; readonly transports: Fallback }[] = []
  const proxy = name === 'switching' ? await startBadProxy(port) : undefined
  let current = random.pick(NAMES)
  proxy?.behave({ refuses: OTHERS[current] })
  const url = `ws://127.0.0.1:${proxy?.port ?? port}/ws`
  const choose = () => {
    if (name !== 'switching') return fallback([TRANSPORTS[name]()])
    return fallback([webSocket(), sse(), longPolling()], { retry: 20, maxRetry: 100 })
  }

  const turn = async ({ behave, cut }: BadProxy) => {
    current = random.pick(NAMES.filter((other) => other !== current))
    behave({ refuses: OTHERS[current] })
    // The first of them is found by clients that still have what they had.
    if (current !== 'websocket' || random.chance(0.5)) cut()
    await Promise.all(comers.map(async ({ client, transports }) => {
      if (client.state === 'closed' || transports.current === current) return
      await once(transports.onChange.bind(transports), (now) => now === current)
    }))
  }

  return {
    name,
    connect: ({ as, rooms, tokens } = {}) => {
      const transports = choose()
      const anonymous = as === undefined && tokens === undefined
      const backoff = { base: 10, max: 50 }
      const client = createClient({ url, protocol: fixture, backoff, use: [transports], autoConnect: false })
      const left = [...tokens ?? []]
      comers.push({ client, transports })
      let current: string | undefined
      client.onOpen(({ session }) => void (current = session))
      if (anonymous) client.connect()
      else authenticate(client, () => left.shift() ?? signed({ sub: as ?? 'user-1', ...(rooms && { rooms }) }))
      return {
        client,
        session: async () => client.state === 'open' ? current! : (await once(client.onOpen.bind(client)))[0].session,
      }
    },
    turn: async () => {
      if (proxy !== undefined) await turn(proxy)
    },
    close: async () => {
      for (const { client } of comers) client.close()
      await proxy?.stop()
    },
  }
}
