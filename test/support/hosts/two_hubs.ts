/** Two hubs and a Hono app on one Bun server, each hub reachable in two ways. Prints `ready <port>`. */
import { Hono } from 'hono'
import { serve } from '../../../adapters/bun/mod.ts'
import { realtime } from '../../../adapters/hono/mod.ts'
import { createHub } from '../../../src/mod.ts'
import { notes } from '../test_hub.ts'

if (import.meta.main) {
  const [a, b] = ['a', 'b'].map((node) => createHub({ protocol: notes, node }))
  // Sent away before the connection is handed over.
  const refusing = createHub({ protocol: notes, node: 'refusing', limits: { maxConnections: 2 } })
  refusing.onOpen((session) => session.close(4500, 'not you'))
  const app = new Hono()
  app.use('/a/rooms/:room/history', async (context, next) => {
    if (context.req.param('room') !== 'public') return context.text('forbidden', 403)
    return await next()
  })
  app.route('/a', realtime(a!))
  app.route('/b', realtime(b!))
  app.route('/refusing', realtime(refusing))
  const server = serve(a!, { port: 0, hostname: '127.0.0.1', fetch: app.fetch })
  console.log(`ready ${server.port}`)
}
