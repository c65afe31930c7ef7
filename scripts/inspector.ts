/**
 * Makes src/inspector/generated/assets.ts: the inspector's page as texts, so that it comes with the module wherever that
 * is run from. `bun scripts/inspector.ts`, after a change in src/inspector/page. Another file may be given.
 */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const PAGE = new URL('../src/inspector/page/', import.meta.url)
const OUT = fileURLToPath(new URL('../src/inspector/generated/assets.ts', import.meta.url))

const { success, outputs, logs } = await Bun.build({
  entrypoints: [fileURLToPath(new URL('main.ts', PAGE))],
  target: 'browser',
  minify: true,
  throw: false,
})
const [script] = outputs
if (!success || script === undefined) {
  throw new Error(`The inspector's page does not build: ${logs.map(String).join(' ')}`)
}

const html = await Bun.file(new URL('page.html', PAGE)).text()
const css = await Bun.file(new URL('page.css', PAGE)).text()
const text = `// Made by scripts/inspector.ts from src/inspector/page: edit that.
export const PAGE: string =
  ${literal(html)}
export const STYLE: string =
  ${literal(css.replace(/\/\*[^]*?\*\//g, '').replace(/\s*\n\s*/g, '\n').trim())}
export const SCRIPT: string =
  ${literal((await script.text()).trim())}
`
writeFileSync(process.argv[2] ?? OUT, text)

/** A template, which the formatter leaves alone, on one line and with nothing to fill in. */
function literal(text: string): string {
  const escaped = text.replace(/[\\`]/g, '\\$&').replaceAll('${', '\\u0024{').replaceAll('\n', '\\n')
  return `\`${escaped.replaceAll('\r', '\\r')}\``
}
