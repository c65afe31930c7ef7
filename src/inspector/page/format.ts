const WHOLE = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })
const ONE = new Intl.NumberFormat('en', { maximumFractionDigits: 1 })
const COMPACT = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 })
const CLOCK = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' })

/** `12,345`, or `1.2M` where all the digits would say no more. */
export function count(value: number): string {
  return value < 1_000_000 ? WHOLE.format(value) : COMPACT.format(value)
}

/** `0.4`, `12`, `1.2M`. */
export function rate(value: number): string {
  return value !== 0 && value < 10 ? ONE.format(value) : count(value)
}

/** `640 B`, `1.5 MiB`. */
export function bytes(value: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let unit = 0
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024
  return `${unit === 0 ? WHOLE.format(value) : ONE.format(value)} ${units[unit]}`
}

/** `0.42 ms`, `12 ms`, `1.3 s`. */
export function milliseconds(value: number): string {
  if (value >= 1_000) return `${ONE.format(value / 1_000)} s`
  return value < 10 ? `${value.toFixed(value < 1 ? 2 : 1)} ms` : `${WHOLE.format(value)} ms`
}

/** How long something has been: `12 s`, `5 min`, `2 h 10 min`, `3 d 4 h`. */
export function span(length: number): string {
  const seconds = Math.max(0, Math.round(length / 1_000))
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  if (hours < 24) return `${hours} h ${minutes % 60} min`
  return `${Math.floor(hours / 24)} d ${hours % 24} h`
}

export function clock(at: number): string {
  return CLOCK.format(at)
}

/** `fellBehind` as `fell behind`; codes stay as they are. */
export function words(name: string): string {
  return name.replace(/([a-z])([A-Z])/g, (_, before: string, after: string) => `${before} ${after.toLowerCase()}`)
}
