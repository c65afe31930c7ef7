// The limit that the product on Deno is held against: Deno.serve and a loop over its sockets.
import { denoRuntime } from '../adapters/deno/runtime.ts'
import type { BareServerCommands } from './bare_server.ts'
import { expose } from './support/remote.ts'
import { settledUsage, usage } from './support/usage.ts'

const runtime = denoRuntime()
const subscribers = new Set<WebSocket>()
const server = runtime.serve({ port: 0, hostname: '127.0.0.1', onListen: () => {} }, (request) => {
  const { socket, response } = runtime.upgradeWebSocket(request, { idleTimeout: 0 })
  if (request.url.endsWith('/subscribe')) {
    socket.onopen = () => subscribers.add(socket)
    socket.onclose = () => subscribers.delete(socket)
  }
  socket.onmessage = ({ data }: MessageEvent<string>) => {
    for (const subscriber of subscribers) subscriber.send(data)
  }
  return response
})

const commands: BareServerCommands = {
  port: () => server.addr.port ?? 0,
  usage,
  settledUsage,
}
expose(commands)
