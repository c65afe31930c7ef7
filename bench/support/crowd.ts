import { textFrame } from './frames.ts'
import { connectMany, type RawSocket, type Target } from './socket.ts'

/** A room, and how many are present in it before anybody comes. */
export interface Room {
  readonly name: string
  readonly members: number
}

/** Longer than changes wait to be told. */
const TOLD = 60

/** Members who stay, some who watch them, and others who come and go. */
export class Crowd {
  readonly #comers: RawSocket[]
  #answers = 0
  #awaited = 0
  #reached: () => void = () => {}

  private constructor() {
    this.#comers = []
  }

  /** Connects all of them; those who stay are present in as many rooms as have place for them. */
  static async gather(target: Target, rooms: readonly Room[], watchers: number, comers: number): Promise<Crowd> {
    const crowd = new Crowd()
    const join = (room: Room, ...types: string[]) => {
      return ['room.join', ...types].map((type) => `{"type":"${type}","room":"${room.name}","payload":{}}`)
    }
    const connect = async (count: number, says: (index: number) => string[]) => {
      const sockets = await connectMany(count, target, (socket) => crowd.#count(socket))
      await crowd.#ask(sockets.map((socket, i) => [socket, says(i)] as const))
      return sockets
    }
    const residents = Math.max(...rooms.map(({ members }) => members))
    await connect(residents, (i) => {
      return rooms.filter(({ members }) => i < members).flatMap((room) => join(room, 'presence.set'))
    })
    await connect(watchers, () => rooms.flatMap((room) => join(room, 'presence.watch')))
    crowd.#comers.push(...await connect(comers, () => rooms.flatMap((room) => join(room))))
    return crowd
  }

  /** All who come and go come into a room, and when everybody was told go again; so many times. */
  async wave(room: string, times: number): Promise<void> {
    for (let i = 0; i < times; i++) {
      for (const type of ['presence.set', 'presence.clear']) {
        const text = `{"type":"${type}","room":"${room}","payload":{}}`
        await this.#ask(this.#comers.map((socket) => [socket, [text]] as const))
        await Bun.sleep(TOLD)
      }
    }
  }

  #count(socket: RawSocket): void {
    socket.onPiece = (chunk, from, to, begins) => {
      // What presence tells of its own accord is not an answer, nor is the welcome.
      const head = begins ? chunk.toString('latin1', from, Math.min(to, from + 160)) : ''
      if (!head.includes('"kind":"reply"') && !head.includes('"room.joined"')) return
      this.#answers += 1
      if (this.#answers >= this.#awaited) this.#reached()
    }
  }

  async #ask(all: readonly (readonly [RawSocket, readonly string[]])[]): Promise<void> {
    this.#awaited = this.#answers + all.reduce((sum, [, texts]) => sum + texts.length, 0)
    const answered = new Promise<void>((resolve) => this.#reached = resolve)
    for (const [socket, texts] of all) socket.send(Buffer.concat(texts.map(textFrame)))
    if (this.#answers < this.#awaited) await answered
  }
}
