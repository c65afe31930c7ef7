const MAX_SESSIONS = 200
const MAX_ROOMS = 50
const FIRST_ROOMS = ['lobby', 'africa', 'showcase']
const COLOURS = ['Amber', 'Cobalt', 'Coral', 'Indigo', 'Jade', 'Maroon', 'Olive', 'Saffron', 'Silver', 'Teal', 'Violet']
const ANIMALS = ['Crane', 'Dolphin', 'Falcon', 'Gecko', 'Heron', 'Ibis', 'Lynx', 'Otter', 'Panda', 'Raven', 'Tapir']

/** How far a room was read, in which log. */
export interface ReadMark {
  readonly epoch: string
  readonly seq: number
}

interface Remembered {
  name: string
  rooms: string[]
  /** Sessions that were this browser's, so that its messages are known as own after a reload. */
  sessions: string[]
  read: Record<string, ReadMark>
}

/** What the browser remembers between visits. Where it may not store anything, that is until the page closes. */
export class Memory {
  static readonly #KEY = 'rotunda-chat'
  readonly #state: Remembered
  readonly #sessions: Set<string>

  constructor() {
    this.#state = Memory.#load()
    this.#sessions = new Set(this.#state.sessions)
    if (this.#state.name === '') this.name = `${pick(COLOURS)} ${pick(ANIMALS)}`
    // Another tab of this browser: what it sends is the reader's own as well.
    addEventListener('storage', () => {
      for (const session of Memory.#load().sessions) this.#sessions.add(session)
    })
  }

  get name(): string {
    return this.#state.name
  }

  set name(name: string) {
    this.#state.name = name
    this.#save()
  }

  get rooms(): readonly string[] {
    return this.#state.rooms
  }

  addRoom(room: string): void {
    if (this.#state.rooms.includes(room)) return
    this.#state.rooms = [...this.#state.rooms, room].slice(-MAX_ROOMS)
    this.#save()
  }

  removeRoom(room: string): void {
    this.#state.rooms = this.#state.rooms.filter((other) => other !== room)
    delete this.#state.read[room]
    this.#save()
  }

  isOwn(session: string | undefined): boolean {
    return session !== undefined && this.#sessions.has(session)
  }

  addSession(session: string): void {
    if (this.#sessions.has(session)) return
    this.#sessions.add(session)
    this.#save()
  }

  read(room: string): ReadMark | undefined {
    return Object.hasOwn(this.#state.read, room) ? this.#state.read[room] : undefined
  }

  markRead(room: string, mark: ReadMark): void {
    this.#state.read = { ...this.#state.read, [room]: mark }
    this.#save()
  }

  #save(): void {
    this.#state.sessions = [...this.#sessions].slice(-MAX_SESSIONS)
    try {
      localStorage.setItem(Memory.#KEY, JSON.stringify(this.#state))
    } catch {
      // Storage is full or forbidden: the page works without.
    }
  }

  static #load(): Remembered {
    const state: Remembered = { name: '', rooms: [...FIRST_ROOMS], sessions: [], read: {} }
    try {
      const { name, rooms, sessions, read } = JSON.parse(localStorage.getItem(Memory.#KEY) ?? '{}') as Partial<
        Remembered
      >
      if (typeof name === 'string') state.name = name
      if (Array.isArray(rooms) && rooms.length > 0) state.rooms = rooms.map(cleanRoom).filter((room) => room !== '')
      if (Array.isArray(sessions)) state.sessions = sessions
      if (typeof read === 'object') state.read = read
    } catch {
      // What was stored is not this page's.
    }
    return state
  }
}

/** A room's name as the server takes it, without the sign that people write in front; empty when nothing is left. */
export function cleanRoom(text: string): string {
  const clean = text.toWellFormed().replace(/[\p{Cc}\u2028\u2029\ufeff]/gu, '').trim().replace(/^#+\s*/, '')
  return [...clean].slice(0, 64).join('').trim()
}

function pick(words: readonly string[]): string {
  return words[Math.floor(Math.random() * words.length)] ?? ''
}
