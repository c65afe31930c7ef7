import assert from 'node:assert/strict'
import { Frame, FrameDecoder, type FrameRules, MessageAssembler, type Received } from '../../src/rfc6455/mod.ts'
import { Random } from '../conformance/random.ts'
import { joined, mutateBytes, randomBytes } from './mutate.ts'
import { cpuOf, used } from './usage.ts'

/** What a run found out. */
export interface Findings {
  readonly connections: number
  readonly messages: number
  /** Connections that ended because of what was sent on them. */
  readonly refused: number
  /** Milliseconds that the slowest took. */
  readonly slowest: number
  /** Bytes by which what is in use grew in the second half. */
  readonly growth: number
}

interface Wire {
  readonly bytes: Uint8Array
  readonly frames: number
}

/** No connection here sends much; one that needs so many milliseconds is a way to keep a server busy. */
const SLOW = 100
/** Valid connections that others are made of; made anew after so many. */
const CORPUS = 200
const RENEWED = 5_000
const MAX_FRAME = 400
const MAX_MESSAGE = 800
const CODES = [1002, 1007, 1009]

/** Reads connections that are nearly right, until so many frames were sent. Fails at the first that does harm. */
export function fuzzConnections(frames: number, random: Random): Findings {
  let [connections, messages, refused, slowest] = [0, 0, 0, 0]
  let corpus: Wire[] = []
  let rules: FrameRules = {}
  let halfway: number | undefined
  for (let sent = 0; sent < frames; connections++) {
    if (connections % RENEWED === 0) {
      rules = { role: random.pick(['server', 'client']), maxFrameSize: MAX_FRAME }
      corpus = Array.from({ length: CORPUS }, () => wire(rules, random))
    }
    if (halfway === undefined && sent >= frames / 2) halfway = used()
    const [valid, other] = [random.pick(corpus), random.pick(corpus)]
    const bytes = random.chance(0.05) ? randomBytes(valid.bytes, random) : mutateBytes(valid.bytes, other.bytes, random)
    const seed = random.whole(0, 2 ** 31)
    const start = performance.now()
    const received = readAll(bytes, rules, new Random(seed))
    const took = performance.now() - start
    const again = () => cpuOf(() => readAll(bytes, rules, new Random(seed)))
    // The machine may have been busy with something else, or collecting garbage.
    slowest = Math.max(slowest, took < SLOW / 10 ? took : Math.min(again(), again(), again()))
    assert.ok(slowest <= SLOW, `${slowest} ms for connection ${connections}`)
    for (const { type } of received) type === 'error' ? refused++ : messages++
    sent += valid.frames
  }
  return { connections, messages, refused, slowest, growth: used() - halfway! }
}

/** Everything that a connection says, in pieces; held against what may be said and kept. */
function readAll(bytes: Uint8Array, rules: FrameRules, random: Random): Received[] {
  const decoder = new FrameDecoder(rules)
  const assembler = new MessageAssembler({ maxMessageSize: MAX_MESSAGE })
  const received: Received[] = []
  for (let at = 0, end = 0; at < bytes.length; at = end) {
    end = random.chance(0.5) ? bytes.length : at + random.whole(1, 200)
    const { frames, error } = decoder.decode(bytes.subarray(at, end))
    assert.ok(decoder.heldBytes <= Math.min(MAX_FRAME, 2 * end), `holds ${decoder.heldBytes} of ${end} bytes`)
    for (const frame of frames) {
      const message = assembler.add(frame)
      assert.ok(assembler.heldBytes <= Math.min(MAX_MESSAGE, 2 * end), `holds ${assembler.heldBytes} of ${end} bytes`)
      if (message !== undefined) received.push(checked(message))
      if (message?.type === 'error') return received
    }
    if (error === undefined) continue
    received.push(checked({ type: 'error', error }))
    // It stays refused, whatever is sent after that.
    assert.deepEqual(decoder.decode(bytes), { frames: [], error })
    break
  }
  return received
}

function checked(message: Received): Received {
  if (message.type === 'error') {
    const { closeCode, message: why } = message.error
    assert.ok(CODES.includes(closeCode) && why.length < 500, `${closeCode} ${why}`)
    assert.doesNotThrow(() => Frame.close(closeCode, why), 'a server can say so')
  }
  if (message.type === 'text') assert.ok(message.text.isWellFormed() && message.text.length <= MAX_MESSAGE)
  if ('bytes' in message) assert.ok(message.bytes.length <= MAX_MESSAGE)
  return message
}

/** Messages of all kinds, whole or in fragments with control frames between them. */
function wire({ role }: FrameRules, random: Random): Wire {
  const frames: Frame[] = []
  const mask = () => ({ maskKey: role === 'server' ? bytesOf(4, random) : undefined })
  for (let messages = random.whole(1, 6); messages > 0; messages--) {
    const isText = random.chance(0.5)
    const parts = random.pick([1, 1, 1, 2, 4])
    for (let part = 1; part <= parts; part++) {
      const options = { fin: part === parts, ...mask() }
      const text = random.text(random.pick([4, 40, 140])).toWellFormed()
      const bytes = bytesOf(random.pick([0, 5, 125, 126, 300]), random)
      if (part > 1) frames.push(Frame.continuation(isText ? text : bytes, options))
      else frames.push(isText ? Frame.text(text, options) : Frame.binary(bytes, options))
      if (random.chance(0.2)) frames.push(Frame.ping(bytesOf(random.whole(0, 125), random), mask()))
      if (random.chance(0.1)) frames.push(Frame.pong('', mask()))
    }
  }
  if (random.chance(0.2)) frames.push(Frame.close(random.pick([1000, 1001, 3000, 4999]), random.text(10), mask()))
  return { bytes: joined(...frames.map((frame) => frame.encode())), frames: frames.length }
}

function bytesOf(length: number, random: Random): Uint8Array {
  return Uint8Array.from({ length }, () => random.whole(0, 255))
}
