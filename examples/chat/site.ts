import { fileURLToPath } from 'node:url'
import { RotundaError } from '../../src/mod.ts'

interface Asset {
  readonly type: string
  readonly plain: Uint8Array<ArrayBuffer>
  readonly gzipped: Uint8Array<ArrayBuffer>
  readonly etag: string
}

// Everything is the page's own: no other host is ever asked, and no injected script could run.
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/**
 * Builds the chat page and gives the handler that serves it from memory.
 *
 * @throws {RotundaError} with the bundler's messages when it does not build.
 */
export async function buildSite(): Promise<(request: Request) => Response> {
  const [script, html, css] = await Promise.all([
    bundle(fileURLToPath(import.meta.resolve('./page.ts'))),
    Bun.file(new URL('page.html', import.meta.url)).text(),
    Bun.file(new URL('page.css', import.meta.url)).text(),
  ])
  const assets = new Map([
    ['/', asset('text/html', html)],
    ['/chat.js', asset('text/javascript', script)],
    ['/chat.css', asset('text/css', css)],
  ])
  return (request) => {
    const { pathname } = new URL(request.url)
    const found = assets.get(pathname)
    if (found === undefined) return new Response(`There is nothing at ${pathname}.\n`, { status: 404 })
    if (request.method === 'GET' || request.method === 'HEAD') return answer(request, found)
    return new Response('The page is read with GET.\n', { status: 405, headers: { allow: 'GET, HEAD' } })
  }
}

async function bundle(entry: string): Promise<string> {
  const { success, outputs, logs } = await Bun.build({
    entrypoints: [entry],
    target: 'browser',
    minify: true,
    throw: false,
  })
  const [output] = outputs
  if (success && output !== undefined) return await output.text()
  throw new RotundaError('internal', `The chat page does not build: ${logs.map(String).join(' ')}`)
}

function asset(type: string, text: string): Asset {
  const plain = new TextEncoder().encode(text)
  const etag = `W/"${Bun.hash(plain).toString(36)}"`
  return { type: `${type}; charset=utf-8`, plain, gzipped: Bun.gzipSync(plain), etag }
}

function answer(request: Request, { type, plain, gzipped, etag }: Asset): Response {
  const headers = new Headers({
    'cache-control': 'no-cache',
    'content-security-policy': POLICY,
    'content-type': type,
    etag,
    'referrer-policy': 'no-referrer',
    vary: 'accept-encoding',
    'x-content-type-options': 'nosniff',
  })
  if (request.headers.get('if-none-match') === etag) return new Response(null, { status: 304, headers })
  if (!/\bgzip\b/.test(request.headers.get('accept-encoding') ?? '')) return new Response(plain, { headers })
  headers.set('content-encoding', 'gzip')
  return new Response(gzipped, { headers })
}
