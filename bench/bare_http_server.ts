// The limit that SSE and long polling are held against: Bun.serve that holds requests, and a loop over streams.
import { expose } from './support/remote.ts'
import { settledUsage, type Usage, usage } from './support/usage.ts'

const streams = new Set<ReadableStreamDefaultController<Uint8Array>>()
const held: ((response: Response) => void)[] = []
const encoder = new TextEncoder()

const server = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  fetch(request, server) {
    const { pathname } = new URL(request.url)
    if (pathname === '/ws') return server.upgrade(request) ? undefined : new Response('', { status: 400 })
    server.timeout(request, 0)
    if (pathname === '/poll') return new Promise<Response>((resolve) => held.push(resolve))
    let own: ReadableStreamDefaultController<Uint8Array>
    const stream = new ReadableStream<Uint8Array<ArrayBuffer>>({
      start(controller) {
        streams.add(own = controller)
        controller.enqueue(encoder.encode(': hello\n\n'))
      },
      cancel: () => void streams.delete(own),
    })
    return new Response(stream, { headers: { 'content-type': 'text/event-stream' } })
  },
  websocket: {
    idleTimeout: 0,
    message(_, frame) {
      const event = encoder.encode(`data: ${String(frame)}\n\n`)
      for (const controller of streams) controller.enqueue(event)
    },
  },
})

const commands = {
  port: (): number => server.port ?? 0,
  usage: (): Usage => usage(),
  settledUsage: (): Promise<Usage> => settledUsage(),
  held: (): number => held.length,
}
export type BareHttpCommands = typeof commands
expose(commands)
