/** The chat page: rooms on the left, the current room's log on the right, one connection under both. */
import { createClient } from '../../src/client/mod.ts'
import { fallback, longPolling, sse, webSocket } from '../../src/client/transports/mod.ts'
import { ChatRoom, type RoomEvents } from './page/chat_room.ts'
import { Composer } from './page/composer.ts'
import { ConnectionView } from './page/connection_view.ts'
import { count, dressAvatar, find } from './page/dom.ts'
import { cleanRoom, Memory } from './page/memory.ts'
import type { Message } from './page/message_view.ts'
import { Sidebar } from './page/sidebar.ts'
import { chat } from './protocol.ts'

const MEMBERS_EVERY = 5_000

const memory = new Memory()
const transports = fallback([webSocket(), sse(), longPolling()])
const client = createClient({ url: '/ws', protocol: chat, backoff: { base: 500, max: 8_000 }, use: [transports] })
const rooms = new Map<string, ChatRoom>()
const connection = new ConnectionView()
const sidebar = new Sidebar({ open: (room) => open(room, 'push'), leave })
const composer = new Composer({ send: (text) => current.send(text), typing: () => current.typed() })
const pill = find('pill', HTMLButtonElement)
const roomEvents: RoomEvents = { changed: refreshSoon, heard: announce }

let current = room(cleanRoom(roomInUrl() ?? '') || (memory.rooms[0] ?? 'lobby'))
let isRefreshing = false

function room(name: string): ChatRoom {
  const known = rooms.get(name)
  if (known !== undefined) return known
  memory.addRoom(name)
  const made = new ChatRoom(client, name, memory, roomEvents)
  made.setOnline(client.state === 'open')
  rooms.set(name, made)
  find('logs', HTMLElement).append(made.log.element)
  return made
}

function open(name: string, navigation: 'push' | 'replace' | 'none'): void {
  current.deactivate()
  current = room(name)
  const url = `?room=${encodeURIComponent(name)}`
  if (navigation === 'push' && url !== location.search) history.pushState(null, '', url)
  if (navigation === 'replace') history.replaceState(null, '', url)
  composer.enter(name)
  find('room-name', HTMLElement).textContent = name
  current.activate()
  composer.focus()
  refresh()
}

function leave(name: string): void {
  const leaving = rooms.get(name)
  if (leaving === undefined || rooms.size === 1) return
  rooms.delete(name)
  memory.removeRoom(name)
  if (leaving === current) open(memory.rooms[0] ?? 'lobby', 'replace')
  leaving.leave()
  refresh()
}

function roomInUrl(): string | undefined {
  const { search, hash } = location
  const name = new URLSearchParams(search).get('room')
  if (name) return name
  try {
    return decodeURIComponent(hash)
  } catch {
    return undefined
  }
}

function refreshSoon(): void {
  if (isRefreshing) return
  isRefreshing = true
  queueMicrotask(() => {
    isRefreshing = false
    refresh()
  })
}

function refresh(): void {
  const listed = memory.rooms.flatMap((name) => rooms.get(name) ?? [])
  sidebar.show(listed.map(({ name, unread }) => ({ name, unread: name === current.name ? 0 : unread })), current.name)
  const waiting = listed.reduce((sum, { outbox }) => sum + outbox.waiting, 0)
  connection.show(client.state, waiting, transports.current)
  find('members', HTMLElement).textContent = current.members === undefined ? '' : membersHere(current.members)
  find('typing', HTMLElement).textContent = current.typists.sentence
  pill.hidden = current.log.atBottom
  pill.textContent = current.unread > 0 ? `${count(current.unread, 'new message')} ↓` : 'To the newest ↓'
  const unread = listed.reduce((sum, room) => sum + room.unread, 0)
  document.title = `${unread > 0 ? `(${unread}) ` : ''}#${current.name} · rotunda`
}

function membersHere(members: number | undefined): string {
  if (members === undefined) return ''
  return members === 1 ? 'You are alone here' : `${members} people here`
}

function announce(messages: readonly Message[]): void {
  if (messages.length === 0) return
  const text = messages.length > 3
    ? count(messages.length, 'new message')
    : messages.map(({ user, text }) => `${user}: ${text}`).join('\n')
  find('announcer', HTMLElement).textContent = text
}

function followConnection(): void {
  for (const each of rooms.values()) each.setOnline(client.state === 'open')
  refreshSoon()
}

function editName(): void {
  const field = find('name', HTMLInputElement)
  const avatar = find('own-avatar', HTMLElement)
  const show = () => {
    field.value = memory.name
    dressAvatar(avatar, memory.name)
  }
  const save = () => {
    const name = field.value.replace(/\s+/g, ' ').trim()
    if (name !== '') memory.name = name
    show()
  }
  field.addEventListener('change', save)
  find('profile', HTMLFormElement).addEventListener('submit', (event) => {
    event.preventDefault()
    save()
    field.blur()
  })
  show()
}

client.onOpen(({ session }) => memory.addSession(session))
client.onState(followConnection)
transports.onChange(refreshSoon)
for (const name of memory.rooms) room(name)
editName()
open(current.name, 'replace')
pill.addEventListener('click', () => {
  current.log.toBottom()
  composer.focus()
})
globalThis.addEventListener('popstate', () => open(cleanRoom(roomInUrl() ?? '') || current.name, 'none'))
document.addEventListener('visibilitychange', () => current.markRead())
globalThis.addEventListener('beforeunload', (event) => {
  // What waits to be sent lives in this page alone.
  if ([...rooms.values()].some(({ outbox }) => outbox.waiting > 0)) event.preventDefault()
})
setInterval(() => {
  if (client.state === 'open' && !document.hidden) void current.countMembers()
}, MEMBERS_EVERY)
setInterval(() => {
  if (connection.isWaiting) refresh()
}, 500)
