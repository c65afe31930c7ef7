// The limit that the product is held against: Bun.serve with nothing but native topics.
import { expose } from './support/remote.ts'
import { settledUsage, type Usage, usage } from './support/usage.ts'

const server = Bun.serve<{ subscribe: boolean }>({
  port: 0,
  hostname: '127.0.0.1',
  fetch(request, server) {
    const data = { subscribe: request.url.endsWith('/subscribe') }
    return server.upgrade(request, { data }) ? undefined : new Response('', { status: 400 })
  },
  websocket: {
    idleTimeout: 0,
    sendPings: false,
    open(socket) {
      if (socket.data.subscribe) socket.subscribe('fan')
    },
    message(_, frame) {
      server.publish('fan', frame)
    },
  },
})

const commands = {
  port: (): number => server.port ?? 0,
  usage: (): Usage => usage(),
  settledUsage: (): Promise<Usage> => settledUsage(),
}
export type BareServerCommands = typeof commands
expose(commands)
