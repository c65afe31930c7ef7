import { deepEqual, equal, ok } from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import type { Browser, Locator } from 'playwright-core'
import { chat } from '../../examples/chat/protocol.ts'
import { libsqlStore } from '../../adapters/libsql/mod.ts'
import { createClient } from '../../src/client/mod.ts'
import { type AppServer, startApp } from '../support/app_server.ts'
import { ChatPage, startBrowser } from '../support/chat_page.ts'
import { freePort } from '../support/free_port.ts'
import { tempDir } from '../support/temp_dir.ts'
import { range } from '../support/test_hub.ts'

/** Where an element ends on the screen. What begins a group has its name above it, and loses it. */
async function bottomOf(element: Locator): Promise<number> {
  const box = await element.boundingBox()
  return box === null ? NaN : box.y + box.height
}

const LIMIT = { timeout: 60_000 }

describe('the chat page in Chromium', () => {
  let dir: Awaited<ReturnType<typeof tempDir>>
  let port: number
  let browser: Browser
  let app: AppServer
  let pages: ChatPage[]

  const start = (database = 'rotunda.db') =>
    startApp({ SERVER_PORT: String(port), DATABASE_URL: `file:${dir.path}/${database}` }, dir.path)

  const kill = () => app.end('SIGKILL')

  async function open(room: string, name: string): Promise<ChatPage> {
    const page = await ChatPage.open(browser, port, room, name)
    pages.push(page)
    return page
  }

  /** Fills a room as somebody who is not in a browser. */
  async function publish(room: string, texts: string[]): Promise<void> {
    const client = createClient({ url: `ws://127.0.0.1:${port}/ws`, protocol: chat })
    const target = client.join(room)
    await Promise.all(texts.map((text) => target.publish('chat.message', { user: 'Zoé', text })))
    client.close()
  }

  before(async () => {
    dir = await tempDir()
    port = await freePort()
    ;[app, browser] = await Promise.all([start(), startBrowser()])
  })

  after(async () => {
    await browser.close()
    await kill()
    await dir.remove()
  })

  beforeEach(() => {
    pages = []
  })

  afterEach(async () => {
    const opened = pages
    await Promise.all(opened.map((page) => page.close()))
    deepEqual(opened.flatMap(({ problems }) => problems), [])
    for (const { hosts } of opened) deepEqual([...hosts], [`127.0.0.1:${port}`])
  })

  test('two people talk and see each other type', LIMIT, async () => {
    const [ana, ben] = await Promise.all([open('talk', 'Ana'), open('talk', 'Ben')])
    await ana.say('Hello Ben!')
    await ben.sees('Hello Ben!')
    await ben.seesText('message', 'Ana')
    await ben.seesText('members', '2 people here')

    await ben.get('text').pressSequentially('Hel')
    await ana.seesText('typing', 'Ben is typing…')
    await ben.say('Hello Ana!\nHow are you?')
    const answer = await ana.sees('Hello Ana! How are you?')
    await ana.get('typing').getByText('typing').waitFor({ state: 'hidden' })
    equal(await answer.getByTestId('message-text').innerText(), 'Hello Ana!\nHow are you?')

    await ana.seesText('seq', '✓ 1')
    const texts = ['Hello Ben!', 'Hello Ana!\nHow are you?']
    const log = (own: boolean[]) => texts.map((text, i) => ({ seq: i + 1, text, own: own[i] }))
    deepEqual(await ana.shownUpTo(2), log([true, false]))
    deepEqual(await ben.shownUpTo(2), log([false, true]))
    equal(await ana.get('outgoing').count() + await ben.get('outgoing').count(), 0)
  })

  test(
    'Shift+Enter makes a line, white space is not sent, too long a text neither, markup is text',
    LIMIT,
    async () => {
      const ana = await open('writing', 'Ana')
      const text = ana.get('text')
      const send = ana.get('send')
      await ana.say('  \n ')
      ok(await send.isDisabled())
      await text.fill('')
      await text.pressSequentially('one')
      await text.press('Shift+Enter')
      await text.pressSequentially('<b>two</b>')
      await send.click()
      await ana.sees('one <b>two</b>')

      await text.fill('x'.repeat(4000))
      await ana.seesText('count', '96 characters left')
      await text.fill('x'.repeat(4097))
      await ana.seesText('count', '1 character too long')
      await text.press('Enter')
      ok(await send.isDisabled())
      await text.fill('x'.repeat(4096))
      await text.press('Enter')
      const shown = await ana.shownUpTo(2)
      deepEqual(shown.map(({ text }) => text.length), ['one\n<b>two</b>'.length, 4096])
    },
  )

  test('scrolling up brings the whole history, and stays where the reader looks', LIMIT, async () => {
    await publish('archive', range(1, 180).map((number) => `entry ${number}`))
    const ana = await open('archive', 'Ana')
    const first = await ana.shownUpTo(180)
    deepEqual(first.map(({ seq }) => seq), range(131, 180))

    await ana.log.hover()
    for (let oldest = 131; oldest > 1;) {
      const mark = ana.page.locator(`[data-seq="${oldest}"]`)
      await mark.scrollIntoViewIfNeeded()
      const before = await bottomOf(mark)
      oldest = Math.max(1, oldest - 50)
      await ana.page.locator(`[data-seq="${oldest}"]`).waitFor({ state: 'attached' })
      const now = await bottomOf(mark)
      ok(Math.abs(before - now) < 2, `message moved from ${before} to ${now}`)
    }
    await ana.seesText('top-of-log', 'This is the start of the room.')
    deepEqual((await ana.shown()).map(({ seq, text }) => [seq, text]), range(1, 180).map((n) => [n, `entry ${n}`]))

    await publish('archive', ['entry 181', 'entry 182'])
    await ana.seesText('pill', '2 new messages')
    await ana.get('pill').click()
    await ana.get('pill').waitFor({ state: 'hidden' })
    ok(await (await ana.sees('entry 182')).isVisible())
  })

  test('a log that grows without end drops its oldest messages, and history brings them back', LIMIT, async () => {
    const ana = await open('long', 'Ana')
    await publish('long', range(1, 1000).map((number) => `entry ${number}`))
    const kept = await ana.shownUpTo(1000)
    ok(kept.length <= 800, `${kept.length} messages are shown`)
    deepEqual(kept.map(({ seq }) => seq), range(1001 - kept.length, 1000))
    const older = 1000 - kept.length - 49
    await ana.get('message').first().scrollIntoViewIfNeeded()
    await ana.page.locator(`[data-seq="${older}"]`).waitFor({ state: 'attached' })
    const shown = (await ana.shown()).map(({ seq }) => seq)
    deepEqual(shown, range(shown[0] ?? 0, 1000))
  })

  test('other rooms count what is unread; name, rooms and what is own survive a reload', LIMIT, async () => {
    const ana = await open('home', 'Ana')
    await ana.get('new-room').fill('#aside')
    await ana.get('new-room').press('Enter')
    await ana.seesText('room-name', 'aside')
    await ana.say('mine')
    await ana.sees('mine')
    await ana.openRoom('home')
    await publish('aside', ['one', 'two'])
    await ana.seesText('unread', '2')
    equal(await ana.page.title(), '(2) #home · rotunda')

    await ana.page.reload()
    await ana.seesText('unread', '2')
    equal(await ana.get('name').inputValue(), 'Ana')
    await ana.openRoom('aside')
    await ana.seesText('line-unread', 'New')
    await ana.get('unread').waitFor({ state: 'hidden' })
    equal(new URL(ana.page.url()).search, '?room=aside')
    deepEqual((await ana.shownUpTo(3)).map(({ text, own }) => [text, own]), [
      ['mine', true],
      ['one', false],
      ['two', false],
    ])
    await ana.page.goBack()
    await ana.seesText('room-name', 'home')
  })

  test('I3 I4 kill -9 and restart: both pages come back with every message once and in order', LIMIT, async () => {
    const [ana, ben] = await Promise.all([open('resume', 'Ana'), open('resume', 'Ben')])
    await ana.say('before 1')
    await ben.sees('before 1')
    await ben.say('before 2')
    await ana.sees('before 2')

    // Some of these are acknowledged when the server dies, some are not, some never left.
    const racing = range(1, 8).map((number) => `racing ${number}`)
    const said = (async () => {
      for (const text of racing) await ana.say(text)
    })()
    await ben.sees('racing 1')
    await kill()
    await Promise.all([ana.state('reconnecting'), ben.state('reconnecting'), said])
    await ben.say('meanwhile')
    await ben.seesText('outgoing', 'meanwhile')
    await ben.seesText('state', /Reconnecting… · 1 queued/)
    await ben.seesText('notice', /1 message will be sent as soon as it is back/)

    app = await start()
    await Promise.all([ana.state('open'), ben.state('open')])
    await Promise.all([ana.sees('meanwhile'), ben.sees('meanwhile'), ana.sees('racing 8'), ben.sees('racing 8')])
    await Promise.all([ana.seesText('resumed', /^Back after/), ben.seesText('resumed', /^Back after/)])
    await ana.say('after')
    const last = 4 + racing.length
    const [atAna, atBen] = await Promise.all([ana.shownUpTo(last), ben.shownUpTo(last)])

    deepEqual(atAna.map(({ seq }) => seq), range(1, last))
    deepEqual(atBen.map(({ seq, text }) => [seq, text]), atAna.map(({ seq, text }) => [seq, text]))
    deepEqual(atBen.map(({ own }) => own), atAna.map(({ own }) => !own))
    const texts = atAna.map(({ text }) => text)
    deepEqual(texts.filter((text) => text !== 'meanwhile'), ['before 1', 'before 2', ...racing, 'after'])
    equal(texts.filter((text) => text === 'meanwhile').length, 1)
    equal(await ana.get('outgoing').count() + await ben.get('outgoing').count(), 0)
    const { messages } = await (await fetch(`http://127.0.0.1:${port}/rooms/resume/history`)).json() as {
      messages: { payload: { text: string } }[]
    }
    deepEqual(messages.map(({ payload }) => payload.text).reverse(), texts)
  })

  test('messages removed while the page was away leave a line in their place', LIMIT, async () => {
    const ana = await open('trimmed', 'Ana')
    await ana.say('seen')
    await ana.sees('seen')
    await kill()
    const store = await libsqlStore({ url: `file:${dir.path}/rotunda.db` })
    const common = { room: 'trimmed', kind: 'event', type: 'chat.message', from: null, key: null, ts: Date.now() }
    const payload = (number: number) => JSON.stringify({ user: 'Zoé', text: `entry ${number}` })
    await store.append(range(2, 6).map((number) => ({ ...common, payload: payload(number) })))
    await store.trim('trimmed', 4)
    await store.close()
    app = await start()

    await ana.seesText('gap', 'Messages 2–4 had been removed before this page could get them')
    deepEqual((await ana.shownUpTo(6)).map(({ seq, text }) => [seq, text]), [
      [1, 'seen'],
      [5, 'entry 5'],
      [6, 'entry 6'],
    ])
  })

  test('a server that comes back with another log says so, and the page goes on with that', LIMIT, async () => {
    const ana = await open('epochs', 'Ana')
    await ana.say('in the old log')
    await ana.sees('in the old log')
    await kill()
    await ana.state('reconnecting')
    app = await start('other.db')
    await ana.seesText('gap', 'The server has begun a new log')
    await ana.say('in the new log')
    await ana.sees('in the new log')
    deepEqual(await ana.shown(), [{ seq: 1, text: 'in the new log', own: true }])
    await kill()
    app = await start()
  })
})
