import type { Host, Peer, SendResult } from '../../../src/mod.ts'
import type { FixtureHub } from './fixture_hub.ts'

/** Sessions without a network, what they are in and what they do. */
export interface CrowdOptions {
  readonly sessions: number
  /** Rooms they are spread over, the first ones with the most members. Default 1. */
  readonly rooms?: number
  /** Messages a second, all of them together. Default 0. */
  readonly rate?: number
  /** How many of them have too much waiting. Default 0. */
  readonly slow?: number
}

const HOST: Host = { byteLength: (text) => text.length }
const NAMES = ['lobby', 'africa', 'asia', 'europe', 'support', 'team-red', 'team-blue', 'match-1042', 'orders', 'docs']
const TEXTS = ['Hello!', 'Has anybody seen the new build?', 'Yes, it is live since noon.', 'Thanks ✓', 'On my way.']
/** Milliseconds between two looks at what is to be said. */
const BEAT = 20

/** A client that takes whatever it is sent. */
class CrowdPeer implements Peer {
  readonly host = HOST
  readonly remoteAddress: string
  readonly remotePort: number
  readonly bufferedAmount: number
  readonly pingsItself = true
  closed: (code: number, reason: string) => void = () => {}

  constructor(place: number, bufferedAmount: number) {
    this.remoteAddress = `10.${place >> 16}.${(place >> 8) & 255}.${place & 255}`
    this.remotePort = 49_152 + (place * 7_919) % 16_000
    this.bufferedAmount = bufferedAmount
  }

  send(): SendResult {
    return 'accepted'
  }

  close(code: number, reason: string): void {
    queueMicrotask(() => this.closed(code, reason))
  }

  terminate(): void {
    this.close(1006, '')
  }
}

/** Names of the rooms of a crowd. */
export function roomName(place: number): string {
  return NAMES[place] ?? `room-${place}`
}

/** Lets a crowd in, in this very turn. */
export function gather(hub: FixtureHub, { sessions, rooms = 1, rate = 0, slow = 0 }: CrowdOptions): void {
  const all = Array.from({ length: sessions }, (_, i) => {
    const peer = new CrowdPeer(i, i < slow ? (i + 2) * 1024 * 1024 : 0)
    const connection = hub.connect(peer, { subprotocol: 'rotunda.v1.json', metadata: { agent: 'crowd' } })
    peer.closed = (code, reason) => connection.closed(code, reason)
    const own = i < rooms ? i : Math.floor(rooms * ((i * 0.618) % 1) ** 3)
    for (const room of new Set([own, 0])) {
      connection.receive(JSON.stringify({ type: 'room.join', room: roomName(room), ref: 'join' }))
    }
    return { connection, room: roomName(own) }
  })
  if (rate === 0 || sessions === 0) return
  let said = 0
  let turn = 0
  setInterval(() => {
    turn += 1
    // Comes and goes like a tide, so that there is something to see.
    const now = rate * (0.65 + 0.35 * Math.sin(turn / 400)) * (0.8 + 0.4 * Math.random())
    for (let due = Math.round(now * BEAT / 1_000 + Math.random() - 0.5); due > 0; due--) {
      const { connection, room } = all[Math.floor(all.length * Math.random() ** 2)]!
      const payload = { user: 'crowd', text: TEXTS[said++ % TEXTS.length]! }
      connection.receive(JSON.stringify({ type: 'chat.message', room, ref: String(said), payload }))
      if (said % 200 === 0) connection.receive('{')
    }
  }, BEAT)
}
