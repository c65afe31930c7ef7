/**
 * Takes docs/images/inspector.png, the inspector's picture in the README: `bun scripts/inspector_screenshot.ts [file]`.
 * Needs Chromium (scripts/install-debian.sh installs it).
 */
import { fileURLToPath } from 'node:url'
import { startBrowser } from '../test/support/chat_page.ts'
import { InspectorPage } from '../test/support/inspector_page.ts'
import { spawnServer } from '../test/support/spawn_server.ts'

const out = process.argv[2] ?? fileURLToPath(new URL('../docs/images/inspector.png', import.meta.url))
const password = 'for the picture only'
const server = await spawnServer({
  node: 'eu-1',
  inspector: { password, payloads: true },
  crowd: { sessions: 2_400, rooms: 180, rate: 320, slow: 2 },
})
const browser = await startBrowser()
try {
  const look = { password, width: 1380, height: 820, hash: '#view=sessions&sort=out&order=desc&room=africa' }
  const inspector = await InspectorPage.open(browser, server.port, look)
  await inspector.watches(100)
  await inspector.page.screenshot({ path: out })
  await inspector.close()
} finally {
  await browser.close()
  await server.stop()
}
