import type { Browser, Locator, Page } from 'playwright-core'

/** Long enough for a busy machine; only ever waited for when something is wrong. */
const PATIENCE = 20_000

/** How the inspector is looked at. */
export interface Look {
  readonly password: string
  readonly width?: number
  readonly height?: number
  readonly scheme?: 'light' | 'dark'
  /** What is chosen, as in the page's address. */
  readonly hash?: string
  /** Pixels for each of the page's, in screenshots. */
  readonly scale?: number
}

/** The inspector in a browser of its own. */
export class InspectorPage {
  readonly page: Page
  /** What went wrong in the page. */
  readonly problems: string[] = []
  /** Hosts that the page asked for anything. */
  readonly hosts = new Set<string>()

  private constructor(page: Page) {
    this.page = page
    page.setDefaultTimeout(PATIENCE)
    page.on('pageerror', (error) => this.problems.push(String(error)))
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') this.problems.push(message.text())
    })
    page.on('request', (request) => {
      if (!request.url().startsWith('data:')) this.hosts.add(new URL(request.url()).host)
    })
  }

  static async open(browser: Browser, port: number, look: Look): Promise<InspectorPage> {
    const { password, width = 1280, height = 800, scheme = 'light', hash = '', scale = 1 } = look
    const context = await browser.newContext({
      viewport: { width, height },
      colorScheme: scheme,
      deviceScaleFactor: scale,
      httpCredentials: { username: 'operator', password },
    })
    const inspector = new InspectorPage(await context.newPage())
    await inspector.page.goto(`http://127.0.0.1:${port}/inspector${hash}`)
    await inspector.page.locator('[data-testid=status][data-state=live]').waitFor()
    return inspector
  }

  async close(): Promise<void> {
    await this.page.context().close()
  }

  /** What is visible under a test id. */
  get(testId: string): Locator {
    return this.page.getByTestId(testId).filter({ visible: true })
  }

  /** Resolves when what is under a test id has this text. */
  async sees(testId: string, text: string | RegExp): Promise<void> {
    await this.get(testId).filter({ hasText: text }).first().waitFor()
  }

  /** The first so many seconds of plots. */
  async watches(seconds: number): Promise<void> {
    const begins = await this.#samples()
    await this.page.waitForFunction(
      (least) => document.querySelector('[data-testid=card-in] .line')!.getAttribute('d')!.split('L').length > least,
      begins + seconds,
      // Not by frames, which a page in the background may not draw.
      { timeout: PATIENCE + seconds * 2_000, polling: 100 },
    )
  }

  async #samples(): Promise<number> {
    return (await this.page.locator('[data-testid=card-in] .line').getAttribute('d'))?.split('L').length ?? 0
  }
}
