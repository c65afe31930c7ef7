const SEQ = '"seq":'
// Before its seq and after it an envelope of the benchmark has less than this.
const REACH = 512
const EMPTY = Buffer.alloc(0)

/**
 * Counts the messages of the log that one connection receives and proves that none is missing: each frame's first seq
 * must follow the last of the frame before. What is inside a frame is looked at only where `thorough`.
 */
export class LogReader {
  /** Seq of the last message received. */
  last: number
  #head: Buffer = EMPTY
  #tail: Buffer = EMPTY
  #whole: Buffer[] | undefined

  constructor(last: number, thorough = false) {
    this.last = last
    if (thorough) this.#whole = []
  }

  /** Takes a piece of a frame; gives how many messages the frame had when it ends, else 0. */
  piece(chunk: Buffer, from: number, to: number, begins: boolean, ends: boolean): number {
    if (this.#whole !== undefined) this.#whole.push(chunk.subarray(from, to))
    let head = chunk.subarray(from, Math.min(to, from + REACH))
    let tail = chunk.subarray(Math.max(from, to - REACH), to)
    if (!begins) {
      if (this.#head.length < REACH) this.#head = Buffer.concat([this.#head, head])
      head = this.#head
      if (tail.length < REACH) tail = Buffer.concat([this.#tail, tail])
    }
    if (ends) return this.#frame(head, tail)
    // Copied, so that what was received is not kept in memory.
    if (begins) this.#head = Buffer.from(head)
    this.#tail = Buffer.from(tail.subarray(-REACH))
    return 0
  }

  #frame(head: Buffer, tail: Buffer): number {
    const whole = this.#whole?.splice(0)
    const first = seqAt(head, head.indexOf(SEQ))
    if (first === 0) return 0
    const last = seqAt(tail, tail.lastIndexOf(SEQ))
    if (first !== this.last + 1) throw new Error(`Message ${first} came after ${this.last}.`)
    if (whole !== undefined) checkInside(Buffer.concat(whole).toString(), first, last)
    this.last = last
    return last - first + 1
  }
}

function seqAt(text: Buffer, at: number): number {
  if (at < 0) return 0
  let seq = 0
  for (let i = at + SEQ.length; text[i]! >= 48 && text[i]! <= 57; i++) seq = seq * 10 + text[i]! - 48
  return seq
}

function checkInside(text: string, first: number, last: number): void {
  const frame = JSON.parse(text) as { seq: number } | { seq: number }[]
  const seqs = (Array.isArray(frame) ? frame : [frame]).map(({ seq }) => seq)
  const whole = seqs.every((seq, i) => seq === first + i) && seqs.at(-1) === last
  if (!whole) throw new Error(`A frame from ${first} to ${last} has a hole or a repeat.`)
}
