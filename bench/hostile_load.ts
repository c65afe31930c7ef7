// Clients that do not behave, within what a server's limits let them do.
import { handshakeRequest, newKey } from '../src/rfc6455/mod.ts'
import { textFrame } from './support/frames.ts'
import { expose } from './support/remote.ts'

/** What a hostile connection does: nothing, ask and never read, send what is no message, or join, leave, go and return. */
export type Kind = 'idle' | 'slow' | 'garbage' | 'storm'

interface Hostile {
  readonly kind: Kind
  socket: Bun.Socket | undefined
  /** It ends its connection itself. */
  breaks: boolean
}

const MORE = textFrame('{"type":"room.history","room":"calm 0","payload":{"limit":200}}')
/** Those who do not read are in one large room, and in some of a hundred; in all of them something is said all the time. */
const ROOMS = 20
const JOIN_CROWD = textFrame('{"type":"room.join","room":"crowd","payload":{}}')
const LOUD = Array.from({ length: ROOMS }, (_, i) => textFrame(`{"type":"room.join","room":"loud ${i}","payload":{}}`))
const SAY = Array.from({ length: ROOMS }, (_, i) => {
  return textFrame(`{"type":"chat.message","room":"loud ${i}","payload":{"user":"h","text":"to who does not read"}}`)
})
const GARBAGE = ['junk', '[[[[[[[[', '{"type":"no.such.type"}', '{"type":7}', '"\\ud800"', '{"__proto__":{}}'].map(
  textFrame,
)
const STORM = textFrame(JSON.stringify(Array.from({ length: 10 }, (_, i) => {
  return { type: i % 2 === 0 ? 'room.join' : 'room.leave', room: `storm ${i >> 1}` }
})))
const SAY_TO_ALL = textFrame(
  '{"type":"chat.message","room":"crowd","payload":{"user":"h","text":"to 2,000 who do not read"}}',
)
/** Frames a second, over all of a kind. */
const RATE = { garbage: 1_000, storm: 100, slow: 45 }
/** Connections a second that break and come back. */
const BREAKS = 20
/** How long what they ask for at first keeps the server busy, at most, in milliseconds. */
const SETTLE = 8_000

const all: Hostile[] = []
let port = 0
let lost = 0
let going = true

function connect(hostile: Hostile): Promise<void> {
  return new Promise((resolve) => {
    let isUpgraded = false
    Bun.connect({
      hostname: '127.0.0.1',
      port,
      socket: {
        open: (socket) => {
          hostile.socket = socket
          const protocols = ['rotunda.v1.json']
          socket.write(handshakeRequest({ host: `127.0.0.1:${port}`, path: '/ws', key: newKey(), protocols }))
        },
        data: (socket) => {
          if (isUpgraded) return
          isUpgraded = true
          resolve()
          if (hostile.kind !== 'slow') return
          socket.write(LOUD[all.indexOf(hostile) % ROOMS]!)
          socket.write(JOIN_CROWD)
          socket.write(MORE)
          socket.pause()
        },
        // Thrown out or gone: it comes back.
        close: () => {
          hostile.socket = undefined
          if (hostile.breaks) hostile.breaks = false
          else lost += 1
          if (going) setTimeout(() => going && void connect(hostile), 1_000)
          resolve()
        },
        error: () => {},
        connectError: () => resolve(),
      },
    }).catch(() => resolve())
  })
}

/** Lets those of a kind send by turns. */
function harass(kind: keyof typeof RATE, frames: readonly Buffer[]): void {
  const kindred = all.filter((hostile) => hostile.kind === kind)
  const began = performance.now()
  let sent = 0
  const timer = setInterval(() => {
    if (!going) return clearInterval(timer)
    const due = (performance.now() - began) / 1000 * RATE[kind]
    for (; sent < due; sent++) kindred[sent % kindred.length]?.socket?.write(frames[sent % frames.length]!)
  }, 10)
}

/** Lets some of those who join and leave end without a word. */
function breakAndReturn(): void {
  const kindred = all.filter(({ kind }) => kind === 'storm')
  let turn = 0
  const timer = setInterval(() => {
    if (!going) return clearInterval(timer)
    const hostile = kindred[turn++ % kindred.length]
    if (hostile?.socket === undefined) return
    hostile.breaks = true
    hostile.socket.terminate()
  }, 1_000 / BREAKS)
}

const commands = {
  async connect(given: { port: number; counts: Record<Kind, number> }): Promise<void> {
    port = given.port
    for (const [kind, count] of Object.entries(given.counts)) {
      for (let left = count; left > 0; left -= 100) {
        const some = Array.from(
          { length: Math.min(100, left) },
          () => ({ kind: kind as Kind, socket: undefined, breaks: false }),
        )
        all.push(...some)
        await Promise.all(some.map(connect))
      }
    }
    harass('garbage', GARBAGE)
    harass('storm', [STORM])
    harass('slow', SAY.flatMap((say, i) => [say, MORE, ...(i % 4 === 0 ? [SAY_TO_ALL] : [])]))
    breakAndReturn()
    await Bun.sleep(SETTLE)
  },

  /** How many are connected now, and how often one was thrown out. */
  standing: (): { connected: number; lost: number } => ({
    connected: all.filter(({ socket }) => socket !== undefined).length,
    lost,
  }),

  end(): void {
    going = false
    for (const { socket } of all) socket?.terminate()
  },
}
export type HostileCommands = typeof commands
expose(commands)
