import { type Browser, chromium, type Locator, type Page } from 'playwright-core'

/** Long enough for a busy machine; only ever waited for when something is wrong. */
const PATIENCE = 20_000
/** What a browser writes to the console when there is no server, and nothing else. */
const NO_CONNECTION = /^WebSocket connection to .* failed|^Failed to load resource: net::ERR_CONNECTION_/

/** A message as the page shows it. */
export interface Shown {
  readonly seq: number
  readonly text: string
  readonly own: boolean
}

/** Starts the real Chromium that the tests drive. */
export function startBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}

/** The chat in a browser of its own: nothing is shared with other pages but the server. */
export class ChatPage {
  readonly page: Page
  /** What went wrong in the page, apart from connections that failed. */
  readonly problems: string[] = []
  /** Hosts that the page asked for anything. */
  readonly hosts = new Set<string>()

  private constructor(page: Page) {
    this.page = page
    page.setDefaultTimeout(PATIENCE)
    page.on('pageerror', (error) => this.problems.push(String(error)))
    page.on('console', (message) => {
      const isProblem = message.type() === 'error' || message.type() === 'warning'
      if (isProblem && !NO_CONNECTION.test(message.text())) this.problems.push(message.text())
    })
    page.on('request', (request) => this.hosts.add(new URL(request.url()).host))
    page.on('websocket', (socket) => this.hosts.add(new URL(socket.url()).host))
  }

  static async open(browser: Browser, port: number, room: string, name: string): Promise<ChatPage> {
    const context = await browser.newContext({ viewport: { width: 1000, height: 700 } })
    const chat = new ChatPage(await context.newPage())
    await chat.page.goto(`http://127.0.0.1:${port}/?room=${encodeURIComponent(room)}`)
    await chat.state('open')
    await chat.get('name').fill(name)
    await chat.get('name').press('Enter')
    return chat
  }

  async close(): Promise<void> {
    await this.page.context().close()
  }

  /** What is visible under a test id. */
  get(testId: string): Locator {
    return this.page.getByTestId(testId).filter({ visible: true })
  }

  get log(): Locator {
    return this.get('log')
  }

  /** Resolves when the page shows that the connection stands so. */
  async state(state: string): Promise<void> {
    await this.page.locator(`[data-testid=state][data-state=${state}]`).waitFor()
  }

  async say(text: string): Promise<void> {
    await this.get('text').fill(text)
    await this.get('text').press('Enter')
  }

  /** Resolves when the log shows a stored message with exactly this text. */
  async sees(text: string): Promise<Locator> {
    const message = this.get('message').filter({ has: this.page.getByText(text, { exact: true }) })
    await message.waitFor()
    return message
  }

  async seesText(testId: string, text: string | RegExp): Promise<void> {
    await this.get(testId).getByText(text).waitFor()
  }

  async openRoom(room: string): Promise<void> {
    await this.page.locator(`[data-testid=room][data-room="${room}"]`).click()
  }

  /** The messages of the room that is shown, from the top down. */
  async shown(): Promise<Shown[]> {
    return await this.get('message').evaluateAll((items) =>
      items.map((item) => ({
        seq: Number(item.getAttribute('data-seq')),
        text: item.querySelector('[data-testid=message-text]')?.textContent ?? '',
        own: item.getAttribute('data-own') === 'true',
      }))
    )
  }

  /** Resolves when the room that is shown ends with this message, and gives all. */
  async shownUpTo(seq: number): Promise<Shown[]> {
    await this.page.locator(`[data-testid=log]:not([hidden]) ol:first-of-type > li:last-child[data-seq="${seq}"]`)
      .waitFor()
    return await this.shown()
  }
}
