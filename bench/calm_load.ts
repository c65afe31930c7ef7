// Clients that behave: they publish now and then, and say how long it took until all in their room had it.
import { textFrame } from './support/frames.ts'
import { expose } from './support/remote.ts'
import { connectMany, RawSocket } from './support/socket.ts'

const ROOMS = 10
/** Messages a second, over all of them. */
const RATE = 200
const SENT_AT = /"text":"([\d.]+)"/g

let times: number[] = []
let sockets: RawSocket[] = []

function listen(socket: RawSocket): void {
  let frame = ''
  socket.onPiece = (chunk, from, to, begins, ends) => {
    frame = (begins ? '' : frame) + chunk.subarray(from, to).toString('latin1')
    if (!ends) return
    const now = performance.now()
    for (const [, sentAt] of frame.matchAll(SENT_AT)) times.push(now - Number(sentAt))
  }
}

const commands = {
  async connect({ port, count }: { port: number; count: number }): Promise<void> {
    sockets = await connectMany(count, { port }, listen)
    sockets.forEach((socket, i) => {
      socket.send(textFrame(`{"type":"room.join","room":"calm ${i % ROOMS}","payload":{}}`))
    })
    await Bun.sleep(500)
  },

  /** Milliseconds from publish to delivery that 50 and 99 in 100 deliveries took at most. */
  async latencies({ seconds }: { seconds: number }): Promise<{ p50: number; p99: number; deliveries: number }> {
    times = []
    const began = performance.now()
    for (let sent = 0; performance.now() - began < seconds * 1000;) {
      // As many as are due, so that a late timer does not mean fewer messages.
      for (const due = (performance.now() - began) / 1000 * RATE; sent < due; sent++) {
        const i = sent % sockets.length
        const payload = `{"user":"calm","text":"${performance.now()}"}`
        sockets[i]!.send(textFrame(`{"type":"chat.message","room":"calm ${i % ROOMS}","payload":${payload}}`))
      }
      await Bun.sleep(2)
    }
    await Bun.sleep(1_000)
    const sorted = times.sort((a, b) => a - b)
    const at = (share: number) => sorted[Math.floor(sorted.length * share)] ?? Infinity
    return { p50: at(0.5), p99: at(0.99), deliveries: sorted.length }
  },
}
export type CalmCommands = typeof commands
expose(commands)
