import type { Frame } from '../protocol/codec.ts'
import type { Variant } from './channel.ts'
import { chunk } from './chunks.ts'
import type { LogEnvelope } from './log_envelope.ts'
import type { Turns } from './turns.ts'

/** Some of a page's messages as one frame. */
export interface PageFrame {
  readonly frame: Frame
  readonly messages: number
  /** Seq of the last message in it. */
  readonly last: number
}

/** A piece of a room's log. Many subscribers may read the same piece: each variant is encoded once. */
export class Page {
  readonly messages: readonly LogEnvelope[]
  /** The seq up to which was read: a page without messages says that all of those are gone. */
  readonly through: number
  readonly #encoded: { variant: Variant; frames: PageFrame[] }[] = []

  constructor(messages: readonly LogEnvelope[], through: number) {
    this.messages = messages
    this.through = through
  }

  /** Characters of payload in this page. */
  get size(): number {
    let size = 0
    for (const message of this.messages) size += message.payload.length
    return size
  }

  frames(variant: Variant): PageFrame[] {
    const known = this.#encoded.find(({ variant: { codec, batches } }) =>
      codec === variant.codec && batches === variant.batches
    )
    if (known !== undefined) return known.frames
    const pieces = variant.batches ? chunk(this.messages) : this.messages.map((message) => [message])
    const frames = pieces.map((piece) => ({
      frame: variant.codec.encode(piece),
      messages: piece.length,
      last: piece.at(-1)!.seq,
    }))
    this.#encoded.push({ variant, frames })
    return frames
  }
}

const PAGE_BYTES = 256 * 1024
const FIRST_PAGE = 64
/** What a first page may hold at worst, before the messages' size is known. */
const FIRST_PAGE_BYTES = 4 * 1024 * 1024
const LARGEST_PAGE = 1_024

/**
 * Reads pages for a room, so sized that a page stays near 256 KiB whatever the messages' size, and only once where
 * several subscribers want the same page at about the same time.
 */
export class PageReader {
  readonly #read: (after: number, limit: number) => Promise<LogEnvelope[]>
  readonly #readings: Turns
  readonly #shared = new Map<string, Promise<Page>>()
  #limit: number

  /** @param readings What those who read wait for before they go on. */
  constructor(
    read: (after: number, limit: number) => Promise<LogEnvelope[]>,
    maxMessageSize: number,
    readings: Turns,
  ) {
    this.#read = read
    this.#readings = readings
    this.#limit = Math.max(1, Math.min(FIRST_PAGE, Math.floor(FIRST_PAGE_BYTES / maxMessageSize)))
  }

  /** The messages after `after`, never beyond seq `through`, and no more than `most`. */
  page(after: number, through: number, most?: number): Promise<Page> {
    const limit = Math.min(this.#limit, through - after, most ?? LARGEST_PAGE)
    // Who says how many may read beyond the head, where members must not be taken along.
    const key = `${after}+${limit}${most === undefined ? '' : '!'}`
    let page = this.#shared.get(key)
    if (page === undefined) {
      page = this.#load(after, limit, through)
      this.#shared.set(key, page)
      const forget = () => void this.#shared.delete(key)
      // Kept until those who wait now have had their turn: they were here together, and come for this page next.
      page.then(() => this.#readings.later(0)).then(forget, forget)
    }
    return page
  }

  async #load(after: number, limit: number, through: number): Promise<Page> {
    const messages = await this.#read(after, limit)
    while (messages.length > 0 && messages.at(-1)!.seq > through) messages.pop()
    const page = new Page(messages, through)
    if (page.size > PAGE_BYTES) this.#limit = Math.max(1, this.#limit >> 1)
    else if (page.size < PAGE_BYTES / 2 && messages.length === this.#limit) {
      this.#limit = Math.min(LARGEST_PAGE, this.#limit * 2)
    }
    return page
  }
}
