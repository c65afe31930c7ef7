import assert from 'node:assert/strict'
import test from 'node:test'
import { check, checkGrowth, checkKnown, checkOrder, type Violation } from './checker.ts'
import type { Publish, Reading, Row } from './records.ts'

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** Evidence in which every promise is kept, to be spoiled. */
interface Case {
  publishes: Mutable<Publish>[]
  readings: Mutable<Reading>[]
  rows: Mutable<Row>[]
  epoch: string
}

const EPOCH = 'e1'
const idOf = (number: number) => String(number).padStart(20, '0')

/** p1 and p2 publish to rooms a and b by turns; s1 reads a from the start, s2 joins with `last`, s3 comes and goes. */
function kept(): Case {
  const publishes: Case['publishes'] = []
  const rows: Case['rows'] = []
  const seqs = new Map<string, number>()
  for (let n = 1; n <= 12; n++) {
    const room = n % 3 === 0 ? 'b' : 'a'
    const seq = (seqs.get(room) ?? 0) + 1
    seqs.set(room, seq)
    const publisher = n % 2 === 0 ? 'p2' : 'p1'
    const number = Math.ceil(n / 2)
    const key = publisher === 'p1' ? `p1:${number}` : undefined
    const content = `${publisher} says ${number}`
    publishes.push({ publisher, number, room, key, content, acks: [{ id: idOf(n), seq }] })
    rows.push({ id: idOf(n), seq, room, key: key ?? 'chosen', content })
  }
  const log = (room: string, from: number, to: number) =>
    rows.filter((row) => row.room === room && row.seq >= from && row.seq <= to)
      .map(({ id, seq, content }) => ({ seen: { id, seq, room, content } }))
  const joined = (head: number, cursor: number) => ({ joined: { head, cursor, epoch: EPOCH } })
  const readings: Case['readings'] = [
    {
      subscriber: 's1',
      room: 'a',
      wanted: { since: { epoch: EPOCH, seq: 0 } },
      events: [joined(2, 0), ...log('a', 1, 5), joined(6, 5), ...log('a', 6, 8)],
      errors: [{ code: 'store_unavailable', retryable: true, message: 'later' }],
    },
    { subscriber: 's2', room: 'a', wanted: { last: 3 }, events: [joined(6, 3), ...log('a', 4, 8)], errors: [] },
    {
      subscriber: 's3',
      room: 'b',
      wanted: {},
      events: [joined(1, 1), ...log('b', 2, 2)],
      errors: [],
      left: { cursor: { epoch: EPOCH, seq: 2 } },
    },
    {
      subscriber: 's3',
      room: 'b',
      wanted: { since: { epoch: EPOCH, seq: 2 } },
      events: [joined(3, 2), ...log('b', 3, 4)],
      errors: [],
    },
    { subscriber: 's4', room: 'b', wanted: {}, events: [], errors: [], left: { cursor: undefined } },
  ]
  return { publishes, readings, rows, epoch: EPOCH }
}

/** Spoils what is kept and expects one kind of violation, at least once. */
function finds(name: string, spoil: (evidence: Case) => void, expected: RegExp): void {
  test(`the checker finds ${name}`, () => {
    const evidence = kept()
    spoil(evidence)
    const violations = [...check(evidence), ...checkOrder(evidence.publishes, evidence.rows)]
    assert.ok(violations.some((violation) => expected.test(violation)), `found only: ${violations.join('\n')}`)
  })
}

test('the checker finds nothing where all is kept', () => {
  const { publishes, rows } = kept()
  assert.deepEqual(check(kept()), [])
  assert.deepEqual(checkOrder(publishes, rows), [])
})

finds('an acknowledged message that is lost', ({ rows }) => rows.pop(), /^I1 acknowledged #12 .* is not in the data/)
finds('an ack with another message’s place', ({ publishes: [first, second] }) => {
  first!.acks[0] = second!.acks[0]!
}, /^I1 acknowledged #2 .*p1 says 1.* is #2 .*p2 says 1/)
finds('an ack with the wrong seq', ({ publishes: [first] }) => {
  first!.acks[0] = { id: idOf(1), seq: 2 }
}, /^I1 acknowledged #1 = a\/2 .* is #1 = a\/1/)
finds('a stored content that is not what was published', ({ rows }) => {
  rows[4]!.content += '!'
}, /^I1 acknowledged #5 .* is #5 .*!/)
finds('a stored message that nobody published', ({ rows }) => {
  rows.push({ id: idOf(13), room: 'a', seq: 9, key: null, content: 'x' })
}, /^I3 nobody published #13/)
finds('a message in a room that it was not published to', ({ publishes }) => {
  publishes[0] = { ...publishes[0]!, room: 'b' }
}, /^I3 nobody published #1 /)
finds('a message stored twice', ({ rows }) => {
  rows.push({ ...rows[0]!, id: idOf(13), seq: 9 })
}, /^I3 #13 .* is stored twice/)
finds('a message stored under another key', ({ rows }) => {
  rows[0]!.key = 'other'
}, /^I3 #1 .* has key other/)
finds('a message acknowledged twice', ({ publishes: [first] }) => {
  first!.acks.push(first!.acks[0]!)
}, /^I3 number 1 of p1 was acknowledged 2 times/)
finds('a publish that never settled', ({ publishes }) => {
  publishes.push({ publisher: 'p1', number: 7, room: 'a', key: 'k', content: 'p1 says 7', acks: [] })
}, /^I3 number 7 of p1 was acknowledged 0 times/)
finds('a publish that was refused', ({ publishes: [first] }) => {
  first!.refused = 'internal'
}, /^I3 number 1 of p1 was refused with internal/)
finds('a hole in the seqs', ({ rows }) => {
  for (const row of rows) if (row.room === 'b') row.seq += 1
}, /^I2 in b .*b\/2.* stands where seq 1 belongs/)
finds('a seq that is there twice', ({ rows }) => {
  rows[1]!.seq = 1
}, /^I2 in a .*a\/1.* stands where seq 2 belongs/)
finds('an id that is there twice', ({ rows }) => {
  rows[1]!.id = idOf(1)
}, /^I2 the id of #1 .* is there twice/)
finds('an id that is not 20 digits', ({ rows }) => {
  rows[0]!.id = '1'
}, /^I2 the id of #1 .* does not have 20 digits/)
finds('ids that do not grow with the seqs', ({ rows }) => {
  rows[0]!.id = idOf(99)
}, /^I2 in a .* comes after id 0*99/)
finds('a publisher’s messages in another order than published', ({ rows, publishes }) => {
  const [third, fifth] = [publishes[0]!, publishes[4]!]
  rows[0]!.content = fifth.content
  rows[4]!.content = third.content
}, /^order: number 1 of p1 .* after number 3/)
finds('a message that was seen and is not in the database', ({ readings: [first] }) => {
  first!.events.push({ seen: { id: idOf(13), seq: 9, room: 'a', content: 'x' } })
}, /^I1 seen #13 .* is not in the database/)
finds('a message seen with another content', ({ readings: [first] }) => {
  first!.events[1] = { seen: { id: idOf(1), seq: 1, room: 'a', content: 'x' } }
}, /^I1 seen #1 .* is #1 /)
finds('a message that a subscriber did not see', ({ readings: [first] }) => {
  first!.events.splice(2, 1)
}, /^I4 s1 in a saw .*a\/3.* after seq 1/)
finds('the first message after the cursor left out', ({ readings: [first] }) => {
  first!.events.splice(1, 1)
}, /^I4 s1 in a saw .*a\/2.* after seq 0/)
finds('a message that a subscriber saw twice', ({ readings: [first] }) => {
  first!.events.splice(2, 0, first!.events[1]!)
}, /^I4 s1 in a saw .*a\/1.* after seq 1/)
finds('messages seen in the wrong order', ({ readings: [first] }) => {
  first!.events.splice(1, 2, first!.events[2]!, first!.events[1]!)
}, /^I4 s1 in a saw .*a\/2.* after seq 0/)
finds('a message of another room', ({ readings, rows }) => {
  const { id, seq, content } = rows[2]!
  readings[0]!.events[1] = { seen: { id, seq, content, room: 'b' } }
}, /^I4 s1 in a saw .*b\/1.* of another room/)
finds('a message seen before the room was joined', ({ readings }) => {
  readings[1]!.events.shift()
}, /^I4 s2 in a saw .*a\/4.* before it had joined/)
finds('a subscriber that did not get to the end', ({ readings: [first] }) => {
  first!.events.pop()
}, /^I4 s1 in a read to 7, the log reaches to 8/)
finds('a subscriber that never joined', ({ readings }) => {
  delete readings[4]!.left
}, /^I4 s4 in b read to undefined/)
finds('a gap where nothing was removed', ({ readings: [first] }) => {
  const gap = { code: 'cursor_ahead', message: 'ahead', missed: null, cursor: 8, epoch: EPOCH } as const
  first!.events.push({ gap })
}, /^I4 s1 in a was told of a gap/)
finds('a join at another place than asked for', ({ readings }) => {
  readings[1]!.events[0] = { joined: { head: 6, cursor: 4, epoch: EPOCH } }
}, /^I4 s2 in a joined at 4 and should have at 3/)
finds('a join again at another place than reached', ({ readings: [first] }) => {
  first!.events[6] = { joined: { head: 6, cursor: 6, epoch: EPOCH } }
}, /^I4 s1 in a joined at 6 and should have at 5/)
finds('a join in another epoch', ({ readings: [first] }) => {
  first!.events[0] = { joined: { head: 2, cursor: 0, epoch: 'e2' } }
}, /^I4 s1 in a joined epoch e2/)
finds('a cursor that is not where the handlers stand', ({ readings }) => {
  readings[2]!.left = { cursor: { epoch: EPOCH, seq: 3 } }
}, /^I4 s3 in b left with cursor 3 after seq 2/)
finds('a cursor of another epoch', ({ readings }) => {
  readings[2]!.left = { cursor: { epoch: 'e2', seq: 2 } }
}, /^I4 s3 in b left with epoch e2/)
finds('an error that is no passing one', ({ readings: [first] }) => {
  first!.errors.push({ code: 'internal', retryable: false, message: 'broken' })
}, /^I4 s1 in a was told internal: broken/)

test('the checker finds a message that was seen before it was stored, though a retry stored it later', () => {
  const { publishes, readings, rows } = kept()
  assert.deepEqual(checkKnown(publishes.slice(0, 8), [], rows.slice(0, 8)), [])
  assert.match(checkKnown([], readings, rows.slice(0, 8))[0]!, /^I1 seen #10 .* is not in the database/)
  assert.match(checkKnown(publishes.slice(0, 9), [], rows.slice(0, 8))[0]!, /^I1 acknowledged #9 .* is not in the data/)
})

test('the checker finds a database whose past has changed', () => {
  const { rows } = kept()
  const early = rows.slice(0, 8)
  const first = (violations: Violation[]) => violations[0] ?? 'nothing'
  assert.deepEqual(checkGrowth([], rows), [])
  assert.deepEqual(checkGrowth(early, rows), [])
  assert.match(first(checkGrowth(early, rows.slice(1))), /^I1 #1 .* was in the database and is gone/)
  assert.match(first(checkGrowth(early.slice(1), rows)), /^I2 #1 .* came later than/)
  assert.match(first(checkGrowth(early, rows.with(2, { ...rows[2]!, content: 'x' }))), /^I2 #3 .* became #3/)
  const long = (end: string) => rows.with(2, { ...rows[2]!, content: 'x'.repeat(1000) + end })
  assert.match(first(checkGrowth(long('a'), long('b'))), /^I2 #3 .* became #3/)
  assert.match(first(checkGrowth(early, rows.with(2, { ...rows[2]!, key: 'x' }))), /^I2 #3 .* became #3/)
})
