import assert from 'node:assert/strict'
import process from 'node:process'
import { describe, test } from 'node:test'
import type { Entry, NamedEntry } from '../../src/hub/presence/entry.ts'
import { decodeNodeMessage, encodeNodeMessage, type NodeMessage } from '../../src/hub/presence/node_messages.ts'
import { PresenceMap } from '../../src/hub/presence/presence_map.ts'
import type { Diff, Part } from '../../src/hub/presence/source.ts'
import { Random } from '../support/random.ts'
import { range } from '../support/test_hub.ts'

const seed = Number(process.env['ROTUNDA_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
const note = `ROTUNDA_SEED=${seed}`

/** A node that owns members, and everything it ever said. */
class Owner {
  readonly name: string
  readonly messages: (Diff | Part)[] = []
  /** What it had at each of its versions. */
  readonly history = new Map<number, Map<string, Entry>>([[0, new Map()]])
  version = 0
  readonly #random: Random

  constructor(name: string, random: Random) {
    this.name = name
    this.#random = random
  }

  get entries(): Map<string, Entry> {
    return this.history.get(this.version)!
  }

  change(): void {
    const random = this.#random
    const entries = new Map(this.entries)
    const set: NamedEntry[] = []
    const gone: [string, boolean][] = []
    for (const member of new Set(range(1, random.whole(1, 3)).map(() => `m${random.whole(1, 6)}`))) {
      if (entries.has(member) && random.chance(0.4)) {
        entries.delete(member)
        gone.push([member, random.chance(0.5)])
      } else {
        const entry = {
          state: `"${this.name} ${random.whole(1, 1e6)}"`,
          since: random.whole(1, 9),
          at: random.whole(1, 99),
        }
        entries.set(member, entry)
        set.push([member, entry])
      }
    }
    const from = this.version
    this.version += random.whole(1, 3)
    this.history.set(this.version, entries)
    if (from > 0) this.messages.push({ from, to: this.version, set, gone })
    if (from === 0 || random.chance(0.3)) this.messages.push(...this.everything())
  }

  everything(): Part[] {
    const all = [...this.entries]
    const parts = 1 + this.version % 3
    return range(0, parts - 1).map((part) => {
      return { version: this.version, part, parts, set: all.filter((_, index) => index % parts === part) }
    })
  }
}

/** The union, made from what all of them have at some version. */
function union(owners: readonly (readonly [Owner, number])[]): Record<string, Entry> {
  const members: Record<string, Entry> = {}
  for (const [owner, version] of owners) {
    for (const [member, entry] of owner.history.get(version)!) {
      const other = members[member]
      const isNewer = other === undefined || entry.at > other.at || (entry.at === other.at && entry.state > other.state)
      members[member] = { ...(isNewer ? entry : other), since: Math.min(entry.since, other?.since ?? Infinity) }
    }
  }
  return members
}

function seen(map: PresenceMap): Record<string, Entry> {
  return Object.fromEntries([...map.members()].map((member) => [member, map.get(member)!]))
}

function take(map: PresenceMap, owner: Owner, message: Diff | Part): void {
  const source = map.source(owner.name)
  if ('from' in message) source.diff(message)
  else source.part(message)
}

describe('N2 the merge', () => {
  test('of messages in any order, lost and doubled, is always what each node had at one moment, and never goes back', () => {
    for (const round of range(1, 400)) {
      const random = new Random(seed + round)
      const owners = ['a', 'b', 'c'].map((name) => new Owner(name, random))
      for (let i = random.whole(1, 30); i > 0; i--) random.pick(owners).change()
      const touched = new Set<string>()
      const map = new PresenceMap((member) => touched.add(member))
      const sent = owners.flatMap((owner) => owner.messages.map((message) => ({ owner, message })))
      const arriving = sent.flatMap((one) => random.chance(0.2) ? [] : random.chance(0.3) ? [one, one] : [one])
        .map((one, index) => ({ ...one, at: index + random.whole(0, random.pick([0, 3, 100])) }))
        .sort((one, other) => one.at - other.at)
      let before = seen(map)
      for (const { owner, message } of arriving) {
        const { version } = map.known(owner.name)
        take(map, owner, message)
        assert.ok(map.known(owner.name).version >= version, note)
        const now = seen(map)
        assert.deepEqual(now, union(owners.map((owner) => [owner, map.known(owner.name).version] as const)), note)
        for (const member of new Set([...Object.keys(before), ...Object.keys(now)])) {
          const isSame = JSON.stringify(before[member]) === JSON.stringify(now[member])
          assert.ok(isSame || touched.has(member), `${member} changed unseen; ${note}`)
        }
        touched.clear()
        before = now
      }
      for (const owner of owners) {
        if (map.known(owner.name).version !== owner.version) {
          for (const part of owner.everything()) take(map, owner, part)
        }
      }
      assert.deepEqual(seen(map), union(owners.map((owner) => [owner, owner.version] as const)), note)
      const [lost, ...live] = owners
      map.drop(lost!.name)
      assert.deepEqual(seen(map), union(live.map((owner) => [owner, owner.version] as const)), note)
    }
  })

  test('counts a member of two nodes once: since the earlier, with the later state, and as long as either has it', () => {
    const changed: string[] = []
    const map = new PresenceMap((member) => changed.push(member))
    map.own.set('ana', { state: '"here"', since: 5, at: 5 })
    map.source('b').part({ version: 1, part: 0, parts: 1, set: [['ana', { state: '"there"', since: 3, at: 9 }]] })
    assert.deepEqual([[...map.members()], map.get('ana')], [['ana'], { state: '"there"', since: 3, at: 9 }])
    map.source('b').diff({ from: 1, to: 2, set: [], gone: [['ana', false]] })
    assert.deepEqual(map.get('ana'), { state: '"here"', since: 5, at: 5 })
    map.own.delete('ana')
    assert.equal(map.get('ana'), undefined)
    assert.deepEqual(changed, ['ana', 'ana'])
  })

  test('keeps what comes too early for a while, and no more than that', () => {
    const map = new PresenceMap(() => {})
    const source = map.source('b')
    const member = (name: string): NamedEntry => [name, { state: '1', since: 1, at: 1 }]
    source.part({ version: 1, part: 0, parts: 1, set: [] })
    assert.equal(source.diff({ from: 2, to: 3, set: [member('c')], gone: [] }), 'early')
    assert.equal(source.diff({ from: 1, to: 2, set: [member('b')], gone: [] }), 'applied')
    assert.deepEqual([source.version, [...source.entries.keys()]], [3, ['b', 'c']])
    for (const i of range(10, 10_000)) source.diff({ from: i, to: i + 1, set: [member(`${i}`)], gone: [] })
    source.diff({ from: 3, to: 10, set: [], gone: [] })
    assert.ok(source.version < 10_000, 'not all of them were kept')
  })
})

describe('messages between nodes', () => {
  const sender = { node: 'n 1 "ü"', instance: 'i1' }
  const entry: NamedEntry = ['ana "\u2028', { state: '{"a":[1,"ü"]}', since: 1, at: 2 }]
  const messages: NodeMessage[] = [
    { kind: 'beat' },
    { kind: 'hello' },
    { kind: 'bye', grace: 5_000 },
    { kind: 'check', rooms: [['r', 3, 1], ['s', -1, 0]] },
    { kind: 'none', rooms: ['r', 's'], version: 9 },
    { kind: 'part', room: 'r', version: 3, part: 1, parts: 2, set: [entry] },
    { kind: 'diff', room: 'r', from: 1, to: 3, set: [entry], gone: [['ben', true]] },
  ]

  for (const message of messages) {
    test(`${message.kind} is read as it was written`, () => {
      assert.deepEqual(decodeNodeMessage(encodeNodeMessage(sender, message)), { sender, message })
    })
  }

  test('what is malformed, or of another version, is nothing', () => {
    const bad = [
      '',
      'null',
      '[]',
      '{}',
      'x',
      '{"v":1}',
      '{"v":2,"node":"a","instance":"b","kind":"beat"}',
      '{"v":1,"node":1,"instance":"b","kind":"beat"}',
      '{"v":1,"node":"a","instance":"b","kind":"toString"}',
      '{"v":1,"node":"a","instance":"b","kind":"bye","grace":-1}',
      '{"v":1,"node":"a","instance":"b","kind":"check","rooms":[["r",1]]}',
      '{"v":1,"node":"a","instance":"b","kind":"none","rooms":["r",1],"version":1}',
      '{"v":1,"node":"a","instance":"b","kind":"part","room":"r","version":1,"part":1,"parts":1,"set":[]}',
      '{"v":1,"node":"a","instance":"b","kind":"part","room":"r","version":1,"part":0,"parts":1,"set":[["m",1,1]]}',
      '{"v":1,"node":"a","instance":"b","kind":"diff","room":"r","from":2,"to":2,"set":[],"gone":[]}',
      '{"v":1,"node":"a","instance":"b","kind":"diff","room":"r","from":1,"to":2,"set":[],"gone":["m"]}',
    ]
    for (const text of bad) assert.equal(decodeNodeMessage(new TextEncoder().encode(text)), undefined, text)
  })

  test('bytes changed at random are never an exception', () => {
    const random = new Random(seed)
    for (let i = 0; i < 20_000; i++) {
      const bytes = encodeNodeMessage(sender, random.pick(messages))
      for (let changes = random.whole(1, 4); changes > 0; changes--) {
        bytes[random.whole(0, bytes.length - 1)] = random.whole(0, 255)
      }
      const decoded = decodeNodeMessage(random.chance(0.1) ? bytes.subarray(0, random.whole(0, bytes.length)) : bytes)
      const { message } = decoded ?? {}
      if (message !== undefined && 'set' in message) { for (const [, { state }] of message.set) JSON.parse(state) }
    }
  })
})
