import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { type HostName, type RoomServerOptions, type SpawnedServer, spawnServer } from '../support/spawn_server.ts'
import { WireClient } from '../support/wire_client.ts'

export const MEBIBYTE = 1024 * 1024

/** The hosts that differ in what an attacker meets; the Hono ones run on the same two servers. */
export const RUNTIMES = ['bun', 'deno'] as const satisfies readonly HostName[]

/** A server under attack, and somebody who is served meanwhile. */
export interface Attacked {
  readonly server: SpawnedServer
  readonly witness: WireClient
  /** Bytes by which the server has grown since it started. */
  grown(): Promise<number>
}

/** What an attack may cost at most. */
export interface Bounds {
  /** Mebibytes by which the server may be larger when the attack is over. */
  readonly memory: number
  /** Longest that its event loop may have been busy, in milliseconds. */
  readonly delay?: number
}

/**
 * Attacks a server in a process of its own. It must outlive that, serve others meanwhile, stay near its size, and
 * remain responsive.
 */
export async function attack(
  options: RoomServerOptions,
  { memory, delay = 1_500 }: Bounds,
  run: (attacked: Attacked) => Promise<void>,
): Promise<void> {
  const server = await spawnServer(options)
  try {
    const witness = await WireClient.open(server.port)
    await witness.ping()
    await delayOf(server)
    const before = await server.memory()
    const grown = async () => await server.memory() - before
    await run({ server, witness, grown })
    await witness.ping()
    const growth = Math.round(await grown() / MEBIBYTE)
    assert.ok(growth < memory, `the server grew by ${growth} MiB`)
    const late = await delayOf(server)
    assert.ok(late < delay, `the event loop was busy for ${Math.round(late)} ms`)
    assert.ok(server.isAlive(), server.stderr())
    await witness.close()
  } finally {
    await server.stop('SIGKILL')
  }
}

/** How late the server's event loop was at worst since this was last asked, in milliseconds. */
async function delayOf({ url }: SpawnedServer): Promise<number> {
  return await (await fetch(`${url}/delay`)).json() as number
}

/** A connection that does no more than it is told; what comes is gathered. */
export class Line {
  readonly socket: Socket
  /** When it was over, in milliseconds after it was opened. */
  readonly ended: Promise<number>
  received = ''

  private constructor(socket: Socket) {
    this.socket = socket
    const began = performance.now()
    socket.on('data', (chunk) => this.received += chunk)
    socket.on('error', () => {})
    this.ended = new Promise((resolve) => socket.once('close', () => resolve(performance.now() - began)))
  }

  static open(port: number): Promise<Line> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => resolve(new Line(socket)))
      socket.once('error', reject)
    })
  }

  static async many(port: number, count: number): Promise<Line[]> {
    const all: Line[] = []
    while (all.length < count) {
      const some = Array.from({ length: Math.min(200, count - all.length) }, () => Line.open(port))
      all.push(...await Promise.all(some))
    }
    return all
  }

  get isOpen(): boolean {
    return !this.socket.destroyed
  }

  /** Resolves when the network has taken it, or the connection is over. */
  async write(bytes: string | Uint8Array): Promise<void> {
    if (this.socket.destroyed || this.socket.write(bytes)) return
    let drained = () => {}
    await Promise.race([this.ended, new Promise<void>((resolve) => this.socket.once('drain', drained = resolve))])
    this.socket.off('drain', drained)
  }

  destroy(): void {
    this.socket.destroy()
  }
}
