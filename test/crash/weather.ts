import type { Addition } from '../../src/client/mod.ts'
import { fallback, longPolling, sse, webSocket } from '../../src/client/transports/mod.ts'
import { type Mischief, startBadProxy } from '../support/bad_proxy.ts'
import type { Way } from '../support/hosts/ways.ts'
import type { Random } from '../support/random.ts'

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
/** Milliseconds for which the weather stays at most, where somebody comes through. */
const SOON = 400

/** Opens the way to a server at a port. */
export async function openWay(way: Way, port: number, random: Random): Promise<OpenWay> {
  if (way !== 'switching') {
    const only = { websocket: webSocket, sse, poll: longPolling }[way]
    return { port, use: () => way === 'websocket' ? [] : [fallback([only()])], close: () => Promise.resolve() }
  }
  const proxy = await startBadProxy(port)
  let timer: ReturnType<typeof setTimeout>
  /** Whether somebody came through since all were cut off: else a slow machine would never get anywhere. */
  let passed = false
  const change = () => {
    proxy.behave(random.pick(WEATHER))
    // Who does not notice goes on as before; who does, comes back in the new weather.
    passed = random.chance(0.5)
    if (!passed) proxy.cut()
    timer = setTimeout(look, random.whole(50, SOON))
  }
  const look = () => {
    if (passed) change()
    else timer = setTimeout(look, SOON)
  }
  change()
  return {
    port: proxy.port,
    use: () => {
      const transports = fallback([webSocket(), sse(), longPolling()], { patience: 150, retry: 100, maxRetry: 200 })
      transports.onChange((current) => void (passed ||= current !== undefined))
      return [transports]
    },
    close: () => {
      clearTimeout(timer)
      return proxy.stop()
    },
  }
}
