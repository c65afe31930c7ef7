/** Bytes given to the network at a time, about. */
const PORTION = 64 * 1024

/** What an outflow tells. */
export interface OutflowListener {
  /** The network has taken all that waited. */
  taken(): void
  /** The client is gone, or the runtime has ended the stream. */
  lost(): void
}

/**
 * The body of an answer without end. What the network has not asked for yet waits here and not in the stream, so that it
 * can be let go: a stream can only be made to forget by an error, which runtimes report.
 */
export class Outflow {
  readonly stream: ReadableStream<Uint8Array>
  /** When the network last took some of what waited, in milliseconds since 1970. */
  takenAt: number = Date.now()
  readonly #listener: OutflowListener
  #controller!: ReadableStreamDefaultController<Uint8Array>
  #waiting: Uint8Array[] = []
  #waitingBytes = 0
  /** Whether the network has asked and was given nothing. */
  #isAsking = false
  #isEnding = false

  constructor(listener: OutflowListener) {
    this.#listener = listener
    const source: UnderlyingDefaultSource<Uint8Array> = {
      start: (controller) => void (this.#controller = controller),
      // With nothing to be held ahead, it is only called when the network wants something.
      pull: () => this.#asked(),
      cancel: () => listener.lost(),
    }
    this.stream = new ReadableStream(source, { highWaterMark: 0 })
  }

  /** Bytes that the network has not asked for. */
  get buffered(): number {
    return this.#waitingBytes
  }

  /** Whether the network took it at once. */
  write(bytes: Uint8Array): boolean {
    if (this.#isAsking) {
      this.#isAsking = false
      this.#give(bytes)
      return true
    }
    this.#waiting.push(bytes)
    this.#waitingBytes += bytes.byteLength
    return false
  }

  /** Ends when all that waits was taken. */
  end(): void {
    this.#isEnding = true
    if (this.#waiting.length === 0) this.#close()
  }

  /** Forgets what waits. */
  drop(): void {
    this.#waiting = []
    this.#waitingBytes = 0
  }

  #asked(): void {
    if (this.#waiting.length > 0) {
      this.#givePortion()
      if (this.#waiting.length === 0) this.#listener.taken()
    } else if (this.#isEnding) this.#close()
    else this.#isAsking = true
  }

  #givePortion(): void {
    let count = 0
    let bytes = 0
    while (count < this.#waiting.length && bytes < PORTION) bytes += this.#waiting[count++]!.byteLength
    const portion = this.#waiting.slice(0, count)
    this.#waiting = this.#waiting.slice(count)
    this.#waitingBytes -= bytes
    this.takenAt = Date.now()
    // Each piece would cost the runtime more than copying all of them into one.
    this.#give(count === 1 ? portion[0]! : joined(portion, bytes))
  }

  #give(bytes: Uint8Array): void {
    try {
      this.#controller.enqueue(bytes)
    } catch {
      // Who writes to a stream that the runtime has ended without telling must not fail for that.
      this.#listener.lost()
    }
  }

  #close(): void {
    try {
      this.#controller.close()
    } catch {
      // It is closed already.
    }
  }
}

function joined(pieces: readonly Uint8Array[], bytes: number): Uint8Array {
  const whole = new Uint8Array(bytes)
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.byteLength
  }
  return whole
}
