import { connect, createServer, type Socket } from 'node:net'

/** What a proxy does to connections, from then on. */
export interface Mischief {
  /** Upgrades to a WebSocket: refused with 403, or answered by the server and then never a byte let through. */
  readonly upgrades?: 'refused' | 'swallowed' | undefined
  /** First lines of requests that are refused with 403, upgrades among them. */
  readonly refuses?: RegExp
  /** Whether answers are held back until they are complete, which a stream never is. */
  readonly buffers?: boolean
  /** Bytes of the server after which a connection is cut. */
  readonly cutAfter?: number | undefined
  /** Whether connections are accepted and nothing is ever said on them. */
  readonly silent?: boolean
  /** Whether what is there is left without another byte. */
  readonly frozen?: boolean
}

/** Stands between a client and a server, as so many things do. */
export interface BadProxy {
  readonly port: number
  /** First lines of what was asked. */
  readonly requests: string[]
  /** Told of every connection, with how many there were. */
  onConnection(handler: (count: number) => void): () => void
  /** Connections that were cut by the byte. */
  readonly cuts: () => number
  behave(mischief: Mischief): void
  /** Cuts every connection. */
  cut(): void
  stop(): Promise<void>
}

const FORBIDDEN = 'HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n'

/**
 * @param target Port of the server.
 * @param page What is at `/page`, whatever else is in the way.
 */
export async function startBadProxy(target: number, start: Mischief = {}, page?: string): Promise<BadProxy> {
  const sockets = new Set<Socket>()
  const requests: string[] = []
  const handlers = new Set<(count: number) => void>()
  let mischief = start
  let cuts = 0
  let connections = 0
  const server = createServer((near) => {
    const { upgrades, buffers, cutAfter = Infinity, silent } = mischief
    keep(near)
    connections += 1
    for (const handler of handlers) handler(connections)
    let link: Socket | undefined
    const end = () => [near, link].forEach((socket) => socket?.destroy())
    near.on('error', end).on('close', end)
    let isUpgraded = false
    let passed = 0
    let held = Buffer.alloc(0)
    const refuse = () => void near.end(FORBIDDEN)
    near.on('data', (chunk) => {
      const head = chunk.toString('latin1')
      if (page !== undefined && head.startsWith('GET /page ')) {
        const headers = `content-type: text/html; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(page)}`
        return void near.end(`HTTP/1.1 200 OK\r\n${headers}\r\nconnection: close\r\n\r\n${page}`)
      }
      if (silent) return
      const far = link ??= open()
      const isRequest = /^[A-Z]+ \S+ HTTP/.test(head)
      if (isRequest) requests.push(head.slice(0, head.indexOf(' HTTP')))
      if (isRequest && mischief.refuses?.test(head)) return refuse()
      if (/^upgrade: *websocket/im.test(head)) {
        isUpgraded = true
        if (upgrades === 'refused') {
          return refuse()
        }
      }
      if (!mischief.frozen) far.write(chunk)
    })
    const open = () => keep(connect(target, '127.0.0.1')).on('error', end).on('close', end).on('data', give)
    const give = (data: Buffer | string) => {
      if (mischief.frozen) return
      let chunk = Buffer.from(data)
      if (buffers && !isUpgraded) {
        held = Buffer.concat([held, chunk])
        if (!isWhole(held)) return
        chunk = held
        held = Buffer.alloc(0)
      }
      if (isUpgraded && upgrades === 'swallowed') {
        if (passed > 0) return
        chunk = chunk.subarray(0, chunk.indexOf('\r\n\r\n') + 4)
      }
      const left = cutAfter - passed
      passed += chunk.length
      if (chunk.length <= left) return void near.write(chunk)
      cuts += 1
      near.write(chunk.subarray(0, left), end)
    }
  })

  function keep(socket: Socket): Socket {
    sockets.add(socket)
    return socket.on('error', () => {}).on('close', () => void sockets.delete(socket))
  }

  const cut = () => sockets.forEach((socket) => void socket.destroy())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    port: address !== null && typeof address === 'object' ? address.port : 0,
    requests,
    onConnection: (handler) => {
      handlers.add(handler)
      return () => void handlers.delete(handler)
    },
    cuts: () => cuts,
    behave: (next) => mischief = next,
    cut,
    stop: () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      cut()
      return closed
    },
  }
}

/** Whether an answer is complete. */
function isWhole(answer: Buffer): boolean {
  const end = answer.indexOf('\r\n\r\n') + 4
  const head = answer.subarray(0, end).toString('latin1')
  const length = /^content-length: *(\d+)/im.exec(head)?.[1]
  if (length !== undefined) return answer.length >= end + Number(length)
  return answer.subarray(-5).toString('latin1') === '0\r\n\r\n' || /^HTTP\/1.1 (101|204|304)/.test(head)
}
