import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { BrowserContext, Page } from 'playwright-core'
import { BUN } from './spawn_server.ts'

let script: string | undefined

/** The page, whose script is built once. */
export function clientPage(): string {
  const entry = fileURLToPath(import.meta.resolve('./browser_entry.ts'))
  const options = { encoding: 'utf8', maxBuffer: 1e8 } as const
  script ??= execFileSync(BUN, ['build', '--target', 'browser', entry], options).replaceAll('</script', '<\\/script')
  return `<!doctype html><link rel="icon" href="data:,"><script type="module">${script}</script>`
}

/** What a client in a page shows of itself. */
export interface Seen {
  readonly transport: string | null
  readonly seqs: readonly number[]
  readonly texts: readonly string[]
  readonly errors: readonly string[]
  readonly outgoing: readonly string[]
}

/** A page with rotunda's client and nothing else, of the server's own origin. */
export class ClientPage {
  readonly page: Page
  readonly #retry: number

  private constructor(page: Page, retry: number) {
    this.page = page
    this.#retry = retry
    page.setDefaultTimeout(20_000)
  }

  /** @param retry Milliseconds until the page tries to go back to the WebSocket. */
  static async open(context: BrowserContext, port: number, retry = 60_000): Promise<ClientPage> {
    const page = await context.newPage()
    const opened = new ClientPage(page, retry)
    await page.goto(`http://127.0.0.1:${port}/page`)
    return opened
  }

  /** Makes its client. */
  async start(): Promise<void> {
    await this.page.waitForFunction('globalThis.start')
    await this.page.evaluate(`globalThis.own = start(${this.#retry}); 0`)
  }

  /** Publishes texts, without waiting for any of them. */
  async say(texts: readonly string[]): Promise<void> {
    await this.page.evaluate(`for (const text of ${JSON.stringify(texts)}) own.say(text).catch(() => {})\n0`)
  }

  async reload(): Promise<void> {
    await this.page.reload()
    await this.start()
  }

  async uses(transport: string): Promise<void> {
    await this.page.waitForFunction(`own.transports.current === ${JSON.stringify(transport)}`)
  }

  async has(count: number): Promise<void> {
    await this.page.waitForFunction(`own.texts.length >= ${count}`)
  }

  async seen(): Promise<Seen> {
    return await this.page.evaluate(`({
      transport: own.transports.current ?? null,
      seqs: own.seqs,
      texts: own.texts,
      errors: own.errors,
      outgoing: own.mine.entries.map(({ state }) => state),
    })`)
  }

  /** Entries that its database has, whoever they are of. */
  async kept(): Promise<number> {
    return await this.page.evaluate(`new Promise((resolve, reject) => {
      const request = indexedDB.open('rotunda test')
      request.onerror = () => reject(request.error)
      request.onsuccess = () => {
        const count = request.result.transaction('entries').objectStore('entries').count()
        count.onsuccess = () => { request.result.close(); resolve(count.result) }
      }
    })`)
  }
}
