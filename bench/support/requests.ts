import process from 'node:process'

const END = Buffer.from('\n\n')

/** Many requests whose answers are events without end, or do not come: TCP sockets that only count. */
export class Requests {
  /** Events received by all of them together. */
  events = 0
  /** Requests that were answered. */
  answers = 0
  /** Called with the time at which the first of them received an event. */
  onFirst: () => void = () => {}
  readonly #sockets: Bun.Socket[] = []
  #target = 0
  #reached: () => void = () => {}
  #isEnding = false

  /** Sends many requests, some at a time. */
  static async send(port: number, path: string, count: number): Promise<Requests> {
    const requests = new Requests()
    for (let sent = 0; sent < count; sent += 100) {
      const some = Math.min(100, count - sent)
      await Promise.all(Array.from({ length: some }, (_, i) => requests.#add(port, path, sent + i === 0)))
    }
    return requests
  }

  get size(): number {
    return this.#sockets.length
  }

  /** Resolves when all of them together have received so many events in all. */
  reached(events: number): Promise<void> {
    this.#target = events
    return new Promise((resolve) => {
      this.#reached = resolve
      this.#count(0)
    })
  }

  end(): void {
    this.#isEnding = true
    for (const socket of this.#sockets) socket.terminate()
  }

  async #add(port: number, path: string, isFirst: boolean): Promise<void> {
    // An end of an event that two chunks share is one, too.
    let endsHalf = false
    const socket = await Bun.connect({
      hostname: '127.0.0.1',
      port,
      socket: {
        data: (_, chunk) => {
          this.answers += Number(chunk[0] === 0x48)
          let count = endsHalf && chunk[0] === 0x0a ? 1 : 0
          for (let at = chunk.indexOf(END); at >= 0; at = chunk.indexOf(END, at + 2)) count += 1
          endsHalf = chunk.at(-1) === 0x0a
          if (count === 0) return
          if (isFirst) this.onFirst()
          this.#count(count)
        },
        close: () => this.#fail('The server ended a connection.'),
        error: (_, error) => this.#fail(error.message),
      },
    })
    socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAccept: */*\r\n\r\n`)
    this.#sockets.push(socket)
  }

  #count(events: number): void {
    this.events += events
    if (this.#target > 0 && this.events >= this.#target) {
      this.#target = 0
      this.#reached()
    }
  }

  /** Nothing measured after a fault means anything. */
  #fail(message: string): void {
    if (this.#isEnding) return
    console.error(message)
    process.exit(1)
  }
}
