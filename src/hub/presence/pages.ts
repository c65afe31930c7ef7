import type { Frame } from '../../protocol/codec.ts'
import type { Variant } from '../channel.ts'
import type { Entry } from './entry.ts'

/**
 * Characters of members in one page, or in one diff. Even if each takes three bytes the frame stays below 256 KiB,
 * unless a single member is larger.
 */
export const PAGE_TEXT: number = 80 * 1024

/** Where a page is no longer looked at for new members. */
const FULL = PAGE_TEXT * 7 / 8

/** What has been told of one member. */
interface Told {
  readonly page: Page
  readonly entry: Entry
  /** As it stands in frames. */
  readonly text: string
}

interface EncodedPage {
  readonly variant: Variant
  readonly isLast: boolean
  readonly version: number
  readonly frame: Frame
}

/** Some of a room's members. */
class Page {
  readonly number: number
  readonly members: Map<string, Told> = new Map()
  size = 0
  /** Rises with every change. */
  changes = 0
  encoded: EncodedPage[] = []

  constructor(number: number) {
    this.number = number
  }
}

/**
 * The members of a room as its watchers know them, in pages of limited size. A change spoils one page only: however many
 * members there are, the others are encoded already when the next watcher wants them all.
 */
export class Pages {
  readonly #room: string
  readonly #told = new Map<string, Told>()
  readonly #pages: Page[] = []
  /** Pages in which there is room for more. */
  readonly #spacious = new Set<Page>()

  constructor(room: string) {
    this.#room = room
  }

  /** How many members there are. */
  get size(): number {
    return this.#told.size
  }

  /** How many pages there are; some may be empty. */
  get count(): number {
    return this.#pages.length
  }

  get(member: string): Entry | undefined {
    return this.#told.get(member)?.entry
  }

  entries(): [string, Entry][] {
    return [...this.#told].map(([member, { entry }]) => [member, entry])
  }

  /** Adds or replaces a member; returns its text. */
  set(member: string, entry: Entry): string {
    const text = `{"member":${JSON.stringify(member)},"state":${entry.state},"since":${entry.since}}`
    const before = this.#told.get(member)
    const grown = before === undefined ? Infinity : before.page.size + text.length - before.text.length
    const stays = before !== undefined && (grown <= PAGE_TEXT || before.page.members.size === 1)
    if (before !== undefined) this.#remove(member, before)
    this.#add(member, { page: stays ? before!.page : this.#spaceFor(text.length), entry, text })
    return text
  }

  delete(member: string): void {
    const told = this.#told.get(member)
    if (told !== undefined) this.#remove(member, told)
  }

  /** Changes whenever the page does; 0 for a page that never had anybody. */
  changesOf(page: number): number {
    return this.#pages[page]?.changes ?? 0
  }

  isEmpty(page: number): boolean {
    return (this.#pages[page]?.members.size ?? 0) === 0
  }

  /** A page as a frame, encoded once for all who want the same. */
  frame(number: number, variant: Variant, isLast: boolean, version: number): Frame {
    const page = this.#pages[number] ?? this.#newPage()
    const known = page.encoded.find((frame) =>
      frame.isLast === isLast && (!isLast || frame.version === version) &&
      frame.variant.codec === variant.codec && frame.variant.batches === variant.batches
    )
    if (known !== undefined) return known.frame
    const members = [...page.members.values()].map(({ text }) => text).join()
    const payload = `{"version":${version},"page":${number},"members":[${members}],"more":${!isLast}}`
    const frame = variant.codec.encode([{ type: 'presence.state', room: this.#room, payload }])
    // Of last pages only the newest is wanted again.
    page.encoded = page.encoded.filter((frame) => !frame.isLast || frame.version === version)
    page.encoded.push({ variant, isLast, version, frame })
    return frame
  }

  #add(member: string, told: Told): void {
    const { page, text } = told
    this.#told.set(member, told)
    page.members.set(member, told)
    page.size += text.length
    this.#changed(page)
  }

  #remove(member: string, { page, text }: Told): void {
    this.#told.delete(member)
    page.members.delete(member)
    page.size -= text.length
    this.#changed(page)
  }

  #changed(page: Page): void {
    page.changes += 1
    page.encoded = []
    if (page.size < FULL) this.#spacious.add(page)
    else this.#spacious.delete(page)
  }

  #spaceFor(length: number): Page {
    for (const page of this.#spacious) {
      if (page.members.size === 0 || page.size + length <= PAGE_TEXT) return page
      // Until somebody in it goes; else every large member would look at it again.
      this.#spacious.delete(page)
    }
    return this.#newPage()
  }

  #newPage(): Page {
    const page = new Page(this.#pages.length)
    this.#pages.push(page)
    this.#spacious.add(page)
    return page
  }
}
