import { RotundaError } from '../protocol/errors.ts'
import { quote } from '../protocol/names.ts'
import { PAGE, SCRIPT, STYLE } from './generated/assets.ts'
import { checkAction, Guard, type Operator } from './guard.ts'
import { type InspectedHub, Inspector } from './inspector.ts'
import { checkInspector, type InspectorOptions } from './options.ts'
import { readQuery } from './query.ts'

// Everything is the page's own: no other host is ever asked, no injected script could run, nobody can frame it.
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

const HEADERS: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'content-security-policy': POLICY,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'x-robots-tag': 'noindex',
}

/** Paths below the inspector's own that it answers. */
export const INSPECTOR_PATHS: readonly string[] = ['', '/', '/page.js', '/page.css', '/api/view', '/api/close']

/**
 * Answers a request to the inspector.
 * @param path What follows the inspector's own path.
 * @param peerOf The address of the peer, as the runtime tells it.
 * @throws {RotundaError} As rejection, with what to refuse it; {@link TooManyAttempts} says when to come back.
 */
export type AnswerInspector = (request: Request, url: URL, path: string, peerOf?: () => string) => Promise<Response>

/** @throws {RotundaError} `invalid_config` for an inspector that is not protected. */
export function inspectorOf(hub: InspectedHub, options: InspectorOptions): AnswerInspector {
  const checked = checkInspector(options)
  const guard = new Guard(checked, hub.logger)
  const inspector = new Inspector(hub, checked.payloads)
  return async (request, url, path, peerOf) => {
    // Before anything else: who may not come in does not learn what there is.
    const operator = await guard.check(request, hub.entrance.addressOf(request, peerOf))
    return await answer(inspector, operator, request, url, path)
  }
}

async function answer(
  inspector: Inspector,
  operator: Operator,
  request: Request,
  url: URL,
  path: string,
): Promise<Response> {
  const { searchParams } = url
  if (path === '/api/close') {
    allow(request, ['POST'])
    checkAction(request)
    const { session = '', code = '1000', reason = '' } = Object.fromEntries(searchParams)
    inspector.close(session, Number(code), reason, operator)
    return json({ closed: session })
  }
  allow(request, ['GET', 'HEAD'])
  switch (path) {
    case '':
      return text('text/html', PAGE)
    case '/':
      // The page names what it needs relative to its own path.
      return new Response(null, { status: 308, headers: { ...HEADERS, location: `../inspector${url.search}` } })
    case '/page.js':
      return text('text/javascript', SCRIPT)
    case '/page.css':
      return text('text/css', STYLE)
    case '/api/view':
      return json(await inspector.view(readQuery(searchParams)))
    default:
      throw new RotundaError('not_found', 'The inspector has nothing there.')
  }
}

function allow({ method }: Request, methods: readonly string[]): void {
  if (methods.includes(method)) return
  throw new RotundaError('method_not_allowed', `This is done with ${methods.join(' or ')}, not ${quote(method)}.`)
}

function json(value: unknown): Response {
  return Response.json(value, { headers: HEADERS })
}

function text(type: string, body: string): Response {
  return new Response(body, { headers: { ...HEADERS, 'content-type': `${type}; charset=utf-8` } })
}
