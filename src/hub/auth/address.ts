import { RotundaError } from '../../protocol/errors.ts'
import { quote } from '../../protocol/names.ts'

const V4 = /^\d{1,3}(?:\.\d{1,3}){3}$/
const V6 = /^[0-9a-f:]{2,39}$/i
const MAPPED = /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/i

/** @throws {RotundaError} `invalid_config` */
export function checkTrustProxy(given: boolean | number = 0): number {
  const hops = Number(given)
  if (Number.isInteger(hops) && hops >= 0 && hops <= 10) return hops
  throw new RotundaError('invalid_config', `trustProxy is ${quote(given)}; it must be the number of proxies, 0 to 10.`)
}

/**
 * The address of who asks. Each proxy adds whom it heard from at the end of `X-Forwarded-For`; what stands before the
 * entry of the outermost trusted one was said by the client itself.
 * @param peer Whom the connection comes from.
 * @param hops Proxies in front of this server.
 */
export function clientAddress(headers: Headers, peer: string, hops: number): string {
  if (hops === 0) return peer
  const said = headers.get('x-forwarded-for')?.split(',').at(-hops)?.trim() ?? ''
  const bare = /^\[(.+)\](?::\d+)?$/.exec(said)?.[1] ?? /^([\d.]+):\d+$/.exec(said)?.[1] ?? said
  return V4.test(bare) || MAPPED.test(bare) || (V6.test(bare) && bare.includes(':')) ? bare : peer
}

/** The host that a request was sent to, as its client saw it. */
export function requestedHost(headers: Headers, hops: number): string | null {
  const forwarded = hops === 0 ? null : headers.get('x-forwarded-host')?.split(',')[0]?.trim()
  return forwarded ? forwarded : headers.get('host')
}

/** What an address is counted under: itself, and of IPv6 the /64, of which one client has all. */
export function addressKey(address: string): string {
  const mapped = MAPPED.exec(address)?.[1]
  if (mapped !== undefined) return mapped
  if (!address.includes(':')) return address
  const [before = '', after] = address.toLowerCase().split('%')[0]!.split('::')
  const head = before === '' ? [] : before.split(':')
  const tail = after === undefined || after === '' ? [] : after.split(':')
  const groups = after === undefined
    ? head
    : [...head, ...Array<string>(Math.max(0, 8 - head.length - tail.length)).fill('0'), ...tail]
  return `${groups.slice(0, 4).map((group) => group.replace(/^0+(?=.)/, '')).join(':')}::/64`
}
