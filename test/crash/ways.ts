import type { Addition } from '../../src/client/mod.ts'
import { fallback, longPolling, sse, webSocket } from '../../src/client/transports/mod.ts'
import { type Mischief, startBadProxy } from '../support/bad_proxy.ts'
import type { Random } from '../support/random.ts'

/** How clients come to the server: over one transport, or over all of them and each for moments only. */
export const WAYS = ['websocket', 'sse', 'poll', 'switching'] as const
export type Way = typeof WAYS[number]

/** The way to a server, for as long as a run takes. */
export interface OpenWay {
  readonly port: number
  /** What a client is made with. */
  use(): Addition[]
  close(): Promise<void>
}

const WEATHER: readonly Mischief[] = [
  {},
  {},
  { upgrades: 'refused' },
  { upgrades: 'refused', buffers: true },
  { upgrades: 'swallowed' },
  { cutAfter: 20_000 },
]
/** Milliseconds for which the weather stays at most. */
const SOON = 400

/** Opens the way to a server at a port. */
export async function openWay(way: Way, port: number, random: Random): Promise<OpenWay> {
  if (way !== 'switching') {
    const only = { websocket: webSocket, sse, poll: longPolling }[way]
    return { port, use: () => way === 'websocket' ? [] : [fallback([only()])], close: () => Promise.resolve() }
  }
  const proxy = await startBadProxy(port)
  let timer: ReturnType<typeof setTimeout>
  const change = () => {
    proxy.behave(random.pick(WEATHER))
    // Who does not notice goes on as before; who does, comes back in the new weather.
    if (random.chance(0.5)) proxy.cut()
    timer = setTimeout(change, random.whole(50, SOON))
  }
  change()
  return {
    port: proxy.port,
    use: () => [fallback([webSocket(), sse(), longPolling()], { patience: 150, retry: 100, maxRetry: 200 })],
    close: () => {
      clearTimeout(timer)
      return proxy.stop()
    },
  }
}
