import { deepEqual, equal, ok } from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import type { Browser } from 'playwright-core'
import { startBrowser } from '../support/chat_page.ts'
import { InspectorPage, type Look } from '../support/inspector_page.ts'
import { roomName } from '../support/hosts/crowd.ts'
import { type SpawnedServer, spawnServer } from '../support/spawn_server.ts'
import { WireClient } from '../support/wire_client.ts'

const LIMIT = { timeout: 60_000 }
const PASSWORD = 'correct horse battery'

/**
 * Texts that are seen against their background with a contrast below what WCAG 2.2 AA asks for, as
 * `text: ratio`. Run in the page; controls that are off may be faint.
 */
const FAINT = `(() => {
  const colour = (text) => {
    const [r, g, b, a = 1] = text.match(/[\\d.]+/g).map(Number)
    return { r, g, b, a }
  }
  const over = (top, below) => {
    const mix = (name) => top[name] * top.a + below[name] * (1 - top.a)
    return { r: mix('r'), g: mix('g'), b: mix('b'), a: 1 }
  }
  const luminance = ({ r, g, b }) => {
    const [R, G, B] = [r, g, b].map((value) => value / 255 <= 0.03928
      ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4)
    return 0.2126 * R + 0.7152 * G + 0.0722 * B
  }
  const backgroundOf = (element) => {
    const layers = []
    for (let at = element; at !== null; at = at.parentElement) layers.push(colour(getComputedStyle(at).backgroundColor))
    return layers.reverse().reduce((below, top) => over(top, below), { r: 255, g: 255, b: 255, a: 1 })
  }
  const faint = []
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement
    if (walker.currentNode.data.trim() === '' || element.closest('noscript, :disabled') !== null) continue
    if (!element.checkVisibility()) continue
    const background = backgroundOf(element)
    const [one, other] = [luminance(over(colour(getComputedStyle(element).color), background)), luminance(background)]
    const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05)
    if (ratio < 4.5) faint.push(walker.currentNode.data.trim() + ': ' + ratio.toFixed(2))
  }
  return faint
})()`

/** How bright a screenshot is, from 0 to 1: on average, where it is darkest, and where brightest. Run in a page. */
const BRIGHTNESS = async (png: string) => {
  const bytes = Uint8Array.from(atob(png), (character) => character.charCodeAt(0))
  const image = await createImageBitmap(new Blob([bytes], { type: 'image/png' }))
  const canvas = new OffscreenCanvas(image.width, image.height).getContext('2d')!
  canvas.drawImage(image, 0, 0)
  const { data } = canvas.getImageData(0, 0, image.width, image.height)
  let [sum, least, most] = [0, 1, 0]
  for (let i = 0; i < data.length; i += 4) {
    const value = (data[i]! + data[i + 1]! + data[i + 2]!) / 3 / 255
    sum += value
    least = Math.min(least, value)
    most = Math.max(most, value)
  }
  return { mean: sum / (data.length / 4), least, most }
}

describe('M5 the inspector in Chromium', () => {
  let browser: Browser
  let server: SpawnedServer
  let pages: InspectorPage[]

  const open = async (port: number, look: Omit<Look, 'password'> = {}) => {
    const page = await InspectorPage.open(browser, port, { password: PASSWORD, ...look })
    pages.push(page)
    return page
  }

  before(async () => {
    const inspector = { password: PASSWORD, payloads: true }
    ;[browser, server] = await Promise.all([
      startBrowser(),
      spawnServer({ inspector, crowd: { sessions: 9_990, rooms: 500, rate: 40, slow: 2 } }),
    ])
  })

  after(async () => {
    await browser.close()
    await server.stop()
  })

  beforeEach(() => {
    pages = []
  })

  afterEach(async () => {
    const opened = pages
    await Promise.all(opened.map((page) => page.close()))
    deepEqual(opened.flatMap(({ problems }) => problems), [])
    for (const { hosts } of opened) equal(hosts.size, 1)
  })

  test('of nobody says so; who comes is seen, and who goes is gone', LIMIT, async () => {
    const empty = await spawnServer({ inspector: { password: PASSWORD } })
    const page = await open(empty.port)
    await page.sees('empty', 'Nobody is connected')
    const client = await WireClient.open(empty.port)
    const id = await client.session()
    client.send({ type: 'room.join', room: 'somewhere', ref: '1' })
    await page.sees('row', id.slice(0, 8))
    await page.get('tab-rooms').click()
    await page.sees('row', 'somewhere')
    await client.close()
    await page.sees('empty', 'Nobody is in a room')
    await empty.stop()
  })

  test('of 10,000 is searched, sorted and turned by the server', LIMIT, async () => {
    const page = await open(server.port)
    await page.sees('card-sessions', '9,990')
    await page.sees('range', '1–50 of 9,990')
    equal(await page.get('row').count(), 50)
    await page.get('next').click()
    await page.sees('range', '51–100 of 9,990')
    await page.get('sort-buffered').click()
    await page.sees('range', '1–50 of 9,990')
    await page.get('row').first().filter({ hasText: '3 MiB' }).waitFor()
    await page.get('slow').click()
    await page.sees('range', '1–2 of 2')
    await page.get('slow').click()
    await page.get('search').fill('10.0.39.5:')
    await page.sees('range', '1–1 of 1')
    await page.sees('row', '10.0.39.5:')
    // All of that is in the address: a reload shows the same.
    await page.page.reload()
    await page.sees('range', '1–1 of 1')
    equal(await page.get('search').inputValue(), '10.0.39.5:')
    await page.get('search').fill('nobody like that')
    await page.sees('empty', 'No session is like that.')
  })

  test('follows a room in order, as fast as the room is, and stops when told to', LIMIT, async () => {
    const page = await open(server.port, { hash: '#view=rooms' })
    await page.get('search').fill(roomName(0))
    await page.get('row').first().click()
    await page.get('message').first().waitFor()
    const begins = await page.get('message').count()
    await page.page.waitForFunction(
      (least) => document.querySelectorAll('[data-testid=message]').length > least,
      begins + 5,
    )
    const seqs = await page.get('message').evaluateAll((all) => all.map((one) => Number(one.dataset['seq'])))
    deepEqual(seqs, seqs.map((_, i) => seqs[0]! + i))
    ok((await page.get('message').last().innerText()).includes('"user":"crowd"'))
    await page.get('pause').click()
    await page.sees('status', 'Paused')
    await page.get('pause').click()
    await page.sees('status', 'Live')
    await page.page.keyboard.press('Escape')
    await page.page.getByTestId('panel').waitFor({ state: 'hidden' })
  })

  test('closes a session after asking, with the keyboard alone', LIMIT, async () => {
    const client = await WireClient.open(server.port)
    const id = await client.session()
    const page = await open(server.port, { hash: `#view=sessions&search=${id}` })
    await page.sees('range', '1–1 of 1')
    const { keyboard } = page.page
    await page.get('search').focus()
    const row = page.get('row').getByRole('button')
    while (!await row.evaluate((button) => button === document.activeElement)) await keyboard.press('Tab')
    await keyboard.press('Enter')
    await page.sees('panel', 'websocket · json')
    await page.get('close-session').focus()
    await keyboard.press('Enter')
    await page.get('closing').waitFor()
    await keyboard.press('Escape')
    await page.get('closing').waitFor({ state: 'hidden' })
    await client.ping()

    await page.get('close-session').focus()
    await keyboard.press('Enter')
    ok((await page.get('closing').innerText()).includes(id))
    await page.get('code').selectOption('1008')
    await page.get('reason').fill('Found by the inspector')
    await page.get('reason').press('Tab')
    await keyboard.press('Tab')
    await keyboard.press('Enter')
    deepEqual(await client.closed, { code: 1008, reason: 'Found by the inspector' })
    await page.sees('panel', 'This session is over.')
    await page.sees('empty', 'No session is like that.')
  })

  test('tells that the server is away, and goes on when it is back', LIMIT, async () => {
    const inspector = { password: PASSWORD }
    const away = await spawnServer({ inspector })
    const page = await open(away.port)
    await away.stop()
    await page.sees('status', 'Not connected')
    await page.sees('notice', 'Trying again')
    const back = await spawnServer({ inspector, port: away.port })
    await page.sees('status', 'Live')
    await back.stop()
    // The browser itself notes each request that failed.
    page.problems.splice(0, Infinity, ...page.problems.filter((problem) => !/ERR_CONNECTION/.test(problem)))
  })

  for (const scheme of ['light', 'dark'] as const) {
    test(`shows its plots live, and can be read in ${scheme}, and on a phone`, LIMIT, async () => {
      const views = [
        '#view=sessions&sort=buffered&order=desc',
        `#view=rooms&room=${roomName(0)}`,
        '#view=health',
      ]
      const paper = await browser.newPage()
      for (const hash of views) {
        const page = await open(server.port, { scheme, hash })
        // Plots go on, all of them.
        await page.watches(1)
        const plots = await page.page.locator('[data-testid^=card-] .plot .line').evaluateAll((all) => {
          return all.map((line) => line.getAttribute('d')?.includes('L'))
        })
        ok(plots.length >= 6 && plots.every(Boolean), `${plots}`)
        deepEqual(await page.page.evaluate(FAINT), [], hash)
        const png = (await page.page.screenshot()).toString('base64')
        const { mean, least, most } = await paper.evaluate(BRIGHTNESS, png)
        ok(scheme === 'light' ? mean > 0.8 : mean < 0.25, `${hash} is as bright as ${mean} in ${scheme}`)
        ok(least < 0.3 && most > 0.7, `${hash} is nearly empty: ${least} to ${most}`)
        await page.page.setViewportSize({ width: 360, height: 740 })
        const overflow = await page.page.evaluate('document.documentElement.scrollWidth - innerWidth')
        ok(Number(overflow) <= 0, `${hash} is ${overflow} pixels too wide`)
        await page.close()
        pages.splice(pages.indexOf(page), 1)
        deepEqual(page.problems, [])
      }
      await paper.close()
    })
  }
})
