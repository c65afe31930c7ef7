import type { Evidence, Publish, Reading, Row, Seen } from './records.ts'

/** A broken promise, with the invariant's name at its beginning. */
export type Violation = string

/** All that the promises forbid in what is known when everything has settled, except {@link checkOrder}. */
export function check({ publishes, readings, rows, epoch }: Evidence): Violation[] {
  return [
    ...checkLog(rows),
    ...checkStored(publishes, rows),
    ...checkKnown(publishes, readings, rows),
    ...publishes.flatMap(checkSettled),
    ...readings.flatMap((reading) => checkReading(reading, rows, epoch)),
  ]
}

/** I1: what was acknowledged or seen until now is in the database, as it was said to be. */
export function checkKnown(
  publishes: readonly Publish[],
  readings: readonly Reading[],
  rows: readonly Row[],
): Violation[] {
  const byId = new Map(rows.map((row) => [row.id, row]))
  const compare = (what: string, told: Seen): Violation[] => {
    const row = byId.get(told.id)
    if (row === undefined) return [`I1 ${what} ${show(told)} is not in the database`]
    return isSame(row, told) ? [] : [`I1 ${what} ${show(told)} is ${show(row)} in the database`]
  }
  return [
    ...publishes.flatMap(({ acks, room, content }) => {
      return acks.flatMap(({ id, seq }) => compare('acknowledged', { id, seq, room, content }))
    }),
    ...readings.flatMap(({ events }) => {
      return events.flatMap((event) => 'seen' in event ? compare('seen', event.seen) : [])
    }),
  ]
}

/** I2: the database of an earlier moment is the beginning of a later one. */
export function checkGrowth(earlier: readonly Row[], later: readonly Row[]): Violation[] {
  const last = byIdOrder(earlier).at(-1)?.id ?? ''
  const before = new Map(earlier.map((row) => [row.id, row]))
  const kept = new Set<string>()
  const violations: Violation[] = []
  for (const row of later) {
    if (row.id > last) continue
    const old = before.get(row.id)
    if (old === undefined) violations.push(`I2 ${show(row)} came later than ${last}`)
    else if (!isSame(old, row) || old.key !== row.key) violations.push(`I2 ${show(old)} became ${show(row)}`)
    kept.add(row.id)
  }
  for (const row of earlier) if (!kept.has(row.id)) violations.push(`I1 ${show(row)} was in the database and is gone`)
  return violations
}

/** What each publisher published is in the log in the order of its calls. */
export function checkOrder(publishes: readonly Publish[], rows: readonly Row[]): Violation[] {
  const byContent = new Map(publishes.map((publish) => [publish.content, publish]))
  const last = new Map<string, number>()
  return byIdOrder(rows).flatMap((row) => {
    const publish = byContent.get(row.content)
    if (publish === undefined) return []
    const { publisher, number } = publish
    const before = last.get(publisher) ?? 0
    last.set(publisher, Math.max(before, number))
    return number > before ? [] : [`order: number ${number} of ${publisher} is ${show(row)}, after number ${before}`]
  })
}

/** I2: seqs without a hole from 1, ids that grow with them and are nobody else's. */
function checkLog(rows: readonly Row[]): Violation[] {
  const violations: Violation[] = []
  const ids = new Set<string>()
  for (const row of rows) {
    if (ids.has(row.id)) violations.push(`I2 the id of ${show(row)} is there twice`)
    if (!/^\d{20}$/.test(row.id)) violations.push(`I2 the id of ${show(row)} does not have 20 digits`)
    ids.add(row.id)
  }
  for (const [room, log] of byRoom(rows)) {
    let id = ''
    log.sort((a, b) => a.seq - b.seq).forEach((row, index) => {
      if (row.seq !== index + 1) violations.push(`I2 in ${room} ${show(row)} stands where seq ${index + 1} belongs`)
      if (row.id <= id) violations.push(`I2 in ${room} ${show(row)} comes after id ${id}`)
      id = row.id
    })
  }
  return violations
}

/** I3: the database holds each message once, and nothing that nobody published. */
function checkStored(publishes: readonly Publish[], rows: readonly Row[]): Violation[] {
  const byContent = new Map(publishes.map((publish) => [publish.content, publish]))
  const stored = new Set<string>()
  return rows.flatMap((row) => {
    const publish = byContent.get(row.content)
    if (publish === undefined || publish.room !== row.room) return [`I3 nobody published ${show(row)}`]
    if (publish.key !== undefined && publish.key !== row.key) {
      return [`I3 ${show(row)} has key ${row.key} and was published with ${publish.key}`]
    }
    if (stored.has(row.content)) return [`I3 ${show(row)} is stored twice`]
    stored.add(row.content)
    return []
  })
}

function checkSettled({ publisher, number, acks, refused }: Publish): Violation[] {
  const what = `number ${number} of ${publisher}`
  if (refused !== undefined) return [`I3 ${what} was refused with ${refused}`]
  return acks.length === 1 ? [] : [`I3 ${what} was acknowledged ${acks.length} times`]
}

/** I4: from the cursor on every message of the room, in order, once; and to the end of the log, if it was not left. */
function checkReading(reading: Reading, rows: readonly Row[], epoch: string): Violation[] {
  const { subscriber, room, wanted, events, errors, left } = reading
  const violations: Violation[] = []
  const violated = (what: string) => violations.push(`I4 ${subscriber} in ${room} ${what}`)
  let position = wanted.since?.seq
  for (const event of events) {
    if ('joined' in event) {
      const { head, cursor, epoch: told } = event.joined
      if (told !== epoch) violated(`joined epoch ${told}, the database is ${epoch}`)
      const wantedCursor = position ?? Math.max(0, head - (wanted.last ?? 0))
      if (cursor !== wantedCursor) violated(`joined at ${cursor} and should have at ${wantedCursor}`)
      position ??= cursor
    } else if ('gap' in event) violated(`was told of a gap: ${event.gap.message}`)
    else if (position === undefined) violated(`saw ${show(event.seen)} before it had joined`)
    else {
      if (event.seen.seq !== position + 1) violated(`saw ${show(event.seen)} after seq ${position}`)
      if (event.seen.room !== room) violated(`saw ${show(event.seen)} of another room`)
      position = event.seen.seq
    }
  }
  for (const { code, retryable, message } of errors) if (!retryable) violated(`was told ${code}: ${message}`)
  if (left === undefined) {
    const head = rows.reduce((most, row) => row.room === room ? Math.max(most, row.seq) : most, 0)
    if (position !== head) violated(`read to ${position}, the log reaches to ${head}`)
  } else if (left.cursor?.seq !== position) violated(`left with cursor ${left.cursor?.seq} after seq ${position}`)
  else if (left.cursor !== undefined && left.cursor.epoch !== epoch) violated(`left with epoch ${left.cursor.epoch}`)
  return violations
}

function isSame(a: Seen, b: Seen): boolean {
  return a.room === b.room && a.seq === b.seq && a.content === b.content
}

function byIdOrder(rows: readonly Row[]): Row[] {
  return [...rows].sort((a, b) => a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
}

function byRoom(rows: readonly Row[]): Map<string, Row[]> {
  const rooms = new Map<string, Row[]>()
  for (const row of rows) {
    const log = rooms.get(row.room)
    if (log === undefined) rooms.set(row.room, [row])
    else log.push(row)
  }
  return rooms
}

function show({ id, room, seq, content }: Seen): string {
  return `#${id.replace(/^0+/, '')} = ${room}/${seq} ${JSON.stringify(content.slice(0, 40))}`
}
