import { connect, createServer, type Socket } from 'node:net'

/** Stands before a server and can lose its answers: what was asked is done, and nobody is told. */
export interface LossyProxy {
  /** `127.0.0.1:port` */
  readonly host: string
  /** How many answers were lost. */
  readonly lost: () => number
  /** Whether answers are lost from now on: their connection breaks in place of them. */
  lose(answers: boolean): void
  stop(): Promise<void>
}

/** @param target `host:port` of the server. */
export async function startLossyProxy(target: string): Promise<LossyProxy> {
  const [hostname = '', port = ''] = target.split(':')
  const sockets = new Set<Socket>()
  let losing = false
  let lost = 0
  const server = createServer((near) => {
    const far = connect(Number(port), hostname)
    const end = () => [near, far].forEach((socket) => socket.destroy())
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', end)
      socket.on('close', () => {
        sockets.delete(socket)
        end()
      })
    }
    near.on('data', (chunk) => far.write(chunk))
    far.on('data', (chunk) => {
      if (losing) {
        lost += 1
        end()
      } else near.write(chunk)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    host: `127.0.0.1:${address !== null && typeof address === 'object' ? address.port : 0}`,
    lost: () => lost,
    lose: (answers) => losing = answers,
    stop: () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const socket of sockets) socket.destroy()
      return closed
    },
  }
}
