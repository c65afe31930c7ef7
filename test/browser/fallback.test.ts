import { deepEqual, equal, ok } from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Browser, BrowserContext } from 'playwright-core'
import { type BadProxy, type Mischief, startBadProxy } from '../support/bad_proxy.ts'
import { startApp } from '../support/app_server.ts'
import { ChatPage, startBrowser } from '../support/chat_page.ts'
import { ClientPage, clientPage } from '../support/client_page.ts'
import { freePort } from '../support/free_port.ts'
import { tempDir } from '../support/temp_dir.ts'
import { type ChatClient, range, says, withClient } from '../support/with_client.ts'

const LIMIT = { timeout: 60_000 }

interface Fixture {
  readonly proxy: BadProxy
  readonly context: BrowserContext
  /** A client that nothing is in the way of. */
  readonly other: ChatClient
  page(retry?: number): Promise<ClientPage>
}

describe('C4 C5 a page in Chromium, and what is in its way', () => {
  let browser: Browser
  before(async () => void (browser = await startBrowser()))
  after(() => browser.close())

  function through(mischief: Mischief, check: (fixture: Fixture) => Promise<void>): Promise<void> {
    return withClient({}, async ({ server, connect }) => {
      const proxy = await startBadProxy(server.port, mischief, clientPage())
      const context = await browser.newContext()
      try {
        const page = async (retry?: number) => {
          const opened = await ClientPage.open(context, proxy.port, retry)
          await opened.start()
          return opened
        }
        await check({ proxy, context, other: connect(), page })
      } finally {
        await context.close()
        await proxy.stop()
      }
    })
  }

  const talks = (mischief: Mischief, transport: string) => () =>
    through(mischief, async ({ page, other }) => {
      const ana = await page()
      await ana.uses(transport)
      await ana.say(range(1, 30).map((n) => `ana ${n}`))
      await ana.has(30)
      await Promise.all(range(1, 30).map((n) => other.join('africa').publish('chat.message', says(`other ${n}`))))
      await ana.has(60)
      const { seqs, texts, errors, outgoing } = await ana.seen()
      deepEqual(seqs, range(1, 60))
      deepEqual(texts, [...range(1, 30).map((n) => `ana ${n}`), ...range(1, 30).map((n) => `other ${n}`)])
      deepEqual([errors, outgoing, await ana.kept()], [[], [], 0])
    })

  test('nothing: WebSocket', LIMIT, talks({}, 'websocket'))
  test('upgrades are refused: SSE', LIMIT, talks({ upgrades: 'refused' }, 'sse'))
  test('frames are swallowed: SSE', LIMIT, talks({ upgrades: 'swallowed' }, 'sse'))
  test('answers are held back: long polling', LIMIT, talks({ upgrades: 'refused', buffers: true }, 'poll'))

  test(
    'every connection is cut after some bytes: all arrives, once and in order',
    LIMIT,
    () =>
      through({ cutAfter: 8_000 }, async ({ page, other, proxy }) => {
        const texts = range(1, 60).map((n) => `${n} ${'x'.repeat(400)}`)
        await Promise.all(texts.map((text) => other.join('africa').publish('chat.message', says(text))))
        const ana = await page()
        await ana.has(60)
        await ana.say(['own'])
        await ana.has(61)
        deepEqual((await ana.seen()).texts, [...texts, 'own'])
        ok(proxy.cuts() > 1)
      }),
  )

  test(
    'a WebSocket becomes possible in mid-stream: it goes back, nothing is lost, doubled or reordered',
    LIMIT,
    () =>
      through({ upgrades: 'refused' }, async ({ page, other, proxy }) => {
        const ana = await page(400)
        await ana.uses('sse')
        proxy.behave({})
        let count = 0
        while ((await ana.seen()).transport !== 'websocket') {
          const texts = range(count + 1, count += 10).map(String)
          await ana.say(texts.slice(0, 5))
          await Promise.all(texts.slice(5).map((text) => other.join('africa').publish('chat.message', says(text))))
        }
        await ana.say(['end'])
        await ana.has(count + 1)
        const { seqs, texts } = await ana.seen()
        deepEqual(seqs, range(1, count + 1))
        deepEqual(texts.map(Number).filter(Boolean).toSorted((a, b) => a - b), range(1, count))
      }),
  )

  test(
    'a page is reloaded with a full outbox: what it had to send is sent, in order, once',
    LIMIT,
    () =>
      through({ silent: true }, async ({ page, proxy }) => {
        const ana = await page()
        await ana.say(range(1, 200).map((n) => `first ${n}`))
        while (await ana.kept() < 200);
        await ana.reload()
        await ana.say(range(1, 20).map((n) => `second ${n}`))
        while (await ana.kept() < 220);
        await ana.reload()
        proxy.behave({})
        proxy.cut()
        await ana.has(220)
        deepEqual((await ana.seen()).texts, [
          ...range(1, 200).map((n) => `first ${n}`),
          ...range(1, 20).map((n) => `second ${n}`),
        ])
        while (await ana.kept() > 0);
      }),
  )

  test(
    'it is offline, then online: it comes back at once; it is seen again: it asks whether the connection lives',
    LIMIT,
    () =>
      through({}, async ({ context, proxy, other }) => {
        const ana = await ClientPage.open(context, proxy.port)
        const pinged = new Promise<void>((resolve) => {
          const sent = (frame: string | null) => frame?.includes('session.ping') && resolve()
          ana.page.on('websocket', (socket) => socket.on('framesent', ({ payload }) => void sent(String(payload))))
          ana.page.on('request', (request) => void sent(request.postData()))
        })
        await ana.page.waitForFunction('globalThis.start')
        await ana.page.evaluate('globalThis.own = start(60_000, { base: 3_600_000, max: 3_600_000 }); 0')
        await ana.page.waitForFunction('own.client.state === "open"')
        proxy.cut()
        await ana.page.waitForFunction('own.client.state === "reconnecting"')
        await context.setOffline(true)
        await other.join('africa').publish('chat.message', says('while away'))
        await context.setOffline(false)
        await ana.has(1)
        await ana.page.evaluate('document.dispatchEvent(new Event("visibilitychange", { bubbles: true })); 0')
        await pinged
      }),
  )

  const eachItsOwn = () =>
    through({ silent: true }, async ({ page, proxy }) => {
      const names = ['ana', 'ben', 'zoe']
      const tabs = await Promise.all(names.map(() => page()))
      const keys: string[] = []
      const sent = (frame: string) => keys.push(...[...frame.matchAll(/"key":"(\w+)"/g)].map(([, key]) => key!))
      for (const [i, tab] of tabs.entries()) {
        tab.page.on('websocket', (socket) => socket.on('framesent', ({ payload }) => void sent(String(payload))))
        tab.page.on('request', (request) => void sent(request.postData() ?? ''))
        await tab.say(range(1, 30).map((n) => `${names[i]} ${n}`))
      }
      const [ana, ben, zoe] = tabs as [ClientPage, ClientPage, ClientPage]
      while (await ben.kept() < 90);
      await ana.page.close()
      proxy.behave({})
      proxy.cut()
      await Promise.all([ben.has(90), zoe.has(90)])
      const { texts } = await ben.seen()
      for (const who of names) {
        deepEqual(texts.filter((text) => text.startsWith(who)), range(1, 30).map((n) => `${who} ${n}`))
      }
      equal(texts.length, 90)
      deepEqual([keys.length, new Set(keys).size], [90, 90])
      while (await ben.kept() > 0);
    })

  test('tabs: each sends its own, once; what a closed one leaves is sent by one of the others', LIMIT, eachItsOwn)

  test(
    'a tab is closed while another looks for what was left: all of it is taken over, or nothing yet',
    LIMIT,
    () =>
      through({}, async ({ context, proxy }) => {
        const { page } = await ClientPage.open(context, proxy.port)
        await page.waitForFunction('globalThis.indexedDbOutbox')
        const seen = await page.evaluate(`(async () => {
        const left = indexedDbOutbox('left')
        await left.put([1, 2, 3].map((n) => ({ room: 'africa', key: 'k:' + n, type: 'chat.message', payload: '{}' })))
        const other = indexedDbOutbox('left')
        let asked = 0
        navigator.locks.request = async (name, options, take) => take(asked++ === 0 ? null : {})
        const loads = [await other.load(), await other.load()]
        return loads.map((entries) => entries.map(({ key }) => key))
      })()`)
        deepEqual(seen, [[], ['k:1', 'k:2', 'k:3']])
      }),
  )

  test('the chat page works where WebSockets are blocked, and shows what it uses', LIMIT, async () => {
    const dir = await tempDir()
    const port = await freePort()
    const app = await startApp({ SERVER_PORT: String(port), DATABASE_URL: `file:${dir.path}/rotunda.db` }, dir.path)
    const proxy = await startBadProxy(port, { upgrades: 'refused' })
    const buffering = await startBadProxy(port, { upgrades: 'refused', buffers: true })
    const pages: ChatPage[] = []
    const open = async (port: number, name: string) => {
      const page = await ChatPage.open(browser, port, 'blocked', name)
      pages.push(page)
      return page
    }
    try {
      const ana = await open(proxy.port, 'Ana')
      const ben = await open(buffering.port, 'Ben')
      const zoe = await open(port, 'Zoé')
      await ana.seesText('state', 'Live over SSE')
      await ben.seesText('state', 'Live over long polling')
      await zoe.seesText('state', /^Live$/)
      await ana.say('from Ana')
      await ben.sees('from Ana')
      await ben.say('from Ben')
      await zoe.sees('from Ben')
      await zoe.say('from Zoé')
      await Promise.all([ana.sees('from Zoé'), ben.sees('from Zoé')])
      for (const page of pages) deepEqual((await page.shownUpTo(3)).map(({ seq }) => seq), [1, 2, 3])
      proxy.behave({})
      await ana.seesText('state', /^Live$/)
      await ana.say('over WebSocket')
      await ben.sees('over WebSocket')
      deepEqual(pages.flatMap(({ problems }) => problems), [])
    } finally {
      await Promise.all(pages.map((page) => page.close()))
      await Promise.all([proxy.stop(), buffering.stop()])
      await app.end('SIGKILL')
      await dir.remove()
    }
  })

  test('IndexedDB keeps an outbox as every store must', LIMIT, () =>
    through({}, async ({ context, proxy }) => {
      const { page } = await ClientPage.open(context, proxy.port)
      await page.waitForFunction('globalThis.conformance')
      deepEqual(await page.evaluate('conformance()'), [])
    }))
})
