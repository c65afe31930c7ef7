/** The inspector's page: numbers of the node above, lists below, details of one room or session beside them. */
import type { Sample, View } from '../view.ts'
import { askView, Refused } from './api.ts'
import { Cards } from './cards.ts'
import { type Choice, readChoice, STARTS, writeChoice } from './choice.ts'
import { CloseDialog } from './close_dialog.ts'
import { find, mark, say } from './dom.ts'
import { count } from './format.ts'
import { HealthView } from './health_view.ts'
import { ListView } from './list_view.ts'
import { RoomPanel } from './room_panel.ts'
import { SessionPanel } from './session_panel.ts'

const EVERY = 1_000
/** How long to wait after an answer that did not come, at most. */
const LATEST = 8_000
/** Samples that are kept: what the plots show. */
const KEPT = 120

const statusLine = find('status', HTMLElement)
const notice = find('notice', HTMLElement)
const pause = find('pause', HTMLButtonElement)
const panel = find('panel', HTMLElement)
const tabs = [...document.querySelectorAll<HTMLButtonElement>('.tabs button')]

let choice = readChoice(location.hash)
let samples: Sample[] = []
let log = ''
let isPaused = false
let failures = 0
let timer: ReturnType<typeof setTimeout> | undefined
let asking = new AbortController()
let details: RoomPanel | SessionPanel | undefined
let cameFrom: HTMLElement | undefined

const cards = new Cards()
const list = new ListView(choice, change)
const health = new HealthView()
const closing = new CloseDialog(refresh)

function change(changed: Partial<Choice>): void {
  const isOther = changed.view !== undefined && changed.view !== choice.view
  choice = { ...choice, ...(isOther ? { search: '', page: 0, ...STARTS[changed.view!] } : {}), ...changed }
  history.replaceState(null, '', `#${writeChoice(choice)}`)
  arrange()
  refresh()
}

/** Shows what was chosen; what is in it comes with the next answer. */
function arrange(): void {
  for (const tab of tabs) mark(tab, 'aria-current', tab.dataset['view'] === choice.view ? 'page' : undefined)
  find('list', HTMLElement).hidden = choice.view === 'health'
  find('health', HTMLElement).hidden = choice.view !== 'health'
  list.choose(choice)
  const { room, session } = choice
  const isShown = details instanceof RoomPanel
    ? details.room === room
    : room === '' && (details?.session ?? '') === session
  if (!isShown) {
    details = room !== ''
      ? new RoomPanel(room, change)
      : session !== ''
      ? new SessionPanel(session, change, (detail) => closing.open(detail))
      : undefined
    panel.replaceChildren(...details === undefined ? [] : [details.element])
  }
  panel.hidden = details === undefined
  if (isShown) return
  // Where details cover the list, the keyboard goes there too, and back afterwards.
  if (details === undefined) {
    cameFrom?.focus()
    cameFrom = undefined
  } else if (getComputedStyle(panel).position === 'fixed') {
    cameFrom = document.activeElement instanceof HTMLElement ? document.activeElement : undefined
    panel.focus()
  }
}

/** Asks at once; an answer that is on its way is to another question. */
function refresh(): void {
  asking.abort()
  clearTimeout(timer)
  if (document.hidden) return
  asking = new AbortController()
  void ask(asking.signal)
}

async function ask(signal: AbortSignal): Promise<void> {
  const began = performance.now()
  try {
    const known = { since: samples.at(-1)?.at ?? 0, after: details instanceof RoomPanel ? details.after : 0 }
    const view = await askView(choice, known, signal)
    if (signal.aborted) return
    failures = 0
    show(view)
  } catch (error) {
    if (signal.aborted) return
    if (error instanceof Refused && (error.status === 401 || error.status === 403)) return refused(error)
    failures += 1
    const told = error instanceof Refused ? error.message : 'The server does not answer.'
    tell('lost', 'Not connected', `${told} Trying again…`)
  }
  if (isPaused) return
  const wait = failures === 0 ? EVERY : Math.min(LATEST, EVERY * 2 ** (failures - 1))
  timer = setTimeout(refresh, Math.max(0, wait - (performance.now() - began)))
}

function show(view: View): void {
  // Another process, or another node behind the same address: its counters are others.
  if (log !== `${view.node} ${view.epoch}`) {
    if (log !== '') {
      samples = []
      if (details instanceof RoomPanel) details.clear()
    }
    log = `${view.node} ${view.epoch}`
  }
  samples = [...samples, ...view.samples].slice(-KEPT)
  tell(isPaused ? 'paused' : 'live', isPaused ? 'Paused' : 'Live')
  say(find('node', HTMLElement), `node ${view.node} · log ${view.epoch.slice(0, 8)}`)
  const last = samples.at(-1)
  say(find('session-count', HTMLElement), last === undefined ? '' : count(last.sessions))
  say(find('room-count', HTMLElement), last === undefined ? '' : count(last.rooms))
  cards.show(samples, view)
  if (choice.view === 'health') health.show(samples, view)
  list.show(view)
  if (details instanceof RoomPanel && view.followed !== undefined) details.show(view.followed, view.showsPayloads)
  if (details instanceof SessionPanel && view.session !== undefined) details.show(view.session, view.now)
}

function refused({ message }: Refused): void {
  tell('lost', 'Signed out', `${message} Reload the page to sign in again.`)
}

function tell(state: string, text: string, more = ''): void {
  mark(statusLine, 'data-state', state)
  say(statusLine, text)
  say(notice, more)
  notice.hidden = more === ''
}

for (const tab of tabs) {
  tab.addEventListener('click', () => change({ view: tab.dataset['view'] as Choice['view'] }))
}
pause.addEventListener('click', () => {
  isPaused = !isPaused
  mark(pause, 'aria-pressed', String(isPaused))
  say(pause, isPaused ? 'Resume' : 'Pause')
  if (isPaused) {
    asking.abort()
    clearTimeout(timer)
    tell('paused', 'Paused')
  } else refresh()
})
addEventListener('hashchange', () => {
  choice = readChoice(location.hash)
  arrange()
  refresh()
})
document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && details !== undefined && document.querySelector('dialog[open]') === null) {
    change({ room: '', session: '' })
  }
})
// Nobody looks at a hidden page; the server has nothing to do for it then.
document.addEventListener('visibilitychange', () => {
  if (!document.hidden && !isPaused) refresh()
  else if (document.hidden) {
    asking.abort()
    clearTimeout(timer)
  }
})

arrange()
refresh()
