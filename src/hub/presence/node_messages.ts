import type { Entry, NamedEntry } from './entry.ts'
import type { Diff, Part } from './source.ts'

/** What one node knows of another's members in a room: which version, and how many. */
export type Known = readonly [room: string, version: number, size: number]

/** What nodes say to each other about presence. */
export type NodeMessage =
  /** The sender lives. */
  | { readonly kind: 'beat' }
  /** Who else lives? */
  | { readonly kind: 'hello' }
  /** The sender stops; its members may come back elsewhere within so many milliseconds. */
  | { readonly kind: 'bye'; readonly grace: number }
  /** Whom do you have in these rooms, where it is not what I know? */
  | { readonly kind: 'check'; readonly rooms: readonly Known[] }
  /** Nobody in these rooms, as of that version. */
  | { readonly kind: 'none'; readonly rooms: readonly string[]; readonly version: number }
  | { readonly kind: 'part'; readonly room: string } & Part
  | { readonly kind: 'diff'; readonly room: string } & Diff

/** Who sends a message. */
export interface Sender {
  readonly node: string
  /** Tells the lives of a node apart: another one with every start. */
  readonly instance: string
}

/** The version in a `check` that is answered in any case. */
export const NEVER = -1

const VERSION = 1
const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** A message as bytes; states go along as the JSON they are. */
export function encodeNodeMessage({ node, instance }: Sender, message: NodeMessage): Uint8Array {
  const { kind, ...rest } = message
  let text = `{"v":${VERSION},"node":${JSON.stringify(node)},"instance":"${instance}","kind":"${kind}"`
  for (const [name, value] of Object.entries(rest)) {
    text += `,"${name}":${name === 'set' ? encodeEntries(value as readonly NamedEntry[]) : JSON.stringify(value)}`
  }
  return encoder.encode(`${text}}`)
}

/** The message in these bytes; undefined where there is none that we understand. */
export function decodeNodeMessage(bytes: Uint8Array): { sender: Sender; message: NodeMessage } | undefined {
  try {
    const fields = JSON.parse(decoder.decode(bytes)) as Record<string, unknown>
    const { v, node, instance } = fields
    if (v !== VERSION || !isText(node) || !isText(instance)) return undefined
    const message = readMessage(fields)
    return message === undefined ? undefined : { sender: { node, instance }, message }
  } catch {
    return undefined
  }
}

function encodeEntries(entries: readonly NamedEntry[]): string {
  return `[${
    entries.map(([member, { since, at, state }]) => `[${JSON.stringify(member)},${since},${at},${state}]`).join()
  }]`
}

function readMessage(fields: Record<string, unknown>): NodeMessage | undefined {
  const { kind, room, rooms, version, grace, part, parts, from, to, set, gone } = fields
  switch (kind) {
    case 'beat':
    case 'hello':
      return { kind }
    case 'bye':
      return isCount(grace) ? { kind, grace } : undefined
    case 'check':
      return isListOf(rooms, isKnown) ? { kind, rooms } : undefined
    case 'none':
      return isListOf(rooms, isText) && isCount(version) ? { kind, rooms, version } : undefined
    case 'part':
      if (!isText(room) || !isCount(version) || !isCount(part) || !isCount(parts) || part >= parts) return undefined
      return { kind, room, version, part, parts, set: readEntries(set) }
    case 'diff':
      if (!isText(room) || !isCount(from) || !isCount(to) || from >= to || !isListOf(gone, isGone)) return undefined
      return { kind, room, from, to, set: readEntries(set), gone }
    default:
      return undefined
  }
}

/** @throws {TypeError} when it is none. */
function readEntries(set: unknown): NamedEntry[] {
  if (!Array.isArray(set)) throw new TypeError('not a list of members')
  return set.map((item) => {
    const [member, since, at, state] = item as unknown[]
    if (!isText(member) || !isCount(since) || !isCount(at) || state === undefined) throw new TypeError('not a member')
    const entry: Entry = { state: JSON.stringify(state), since, at }
    return [member, entry]
  })
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function isListOf<T>(value: unknown, is: (item: unknown) => item is T): value is T[] {
  return Array.isArray(value) && value.every(is)
}

function isKnown(value: unknown): value is Known {
  if (!Array.isArray(value)) return false
  const [room, version, size] = value as unknown[]
  return isText(room) && (isCount(version) || version === NEVER) && isCount(size)
}

function isGone(value: unknown): value is readonly [string, boolean] {
  return Array.isArray(value) && isText(value[0]) && typeof value[1] === 'boolean'
}
