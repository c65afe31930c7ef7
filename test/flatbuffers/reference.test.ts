import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { buildFrame, flatbuffers, type FrameMessage, readFrame } from '../../adapters/flatbuffers/mod.ts'
import { RotundaError } from '../../src/protocol/mod.ts'
import { Random } from '../conformance/random.ts'
import { anyMessage } from './messages.ts'
import { referenceRead, referenceWrite } from './reference.ts'

/** A failure names its seed; `ROTUNDA_SEED` runs it again. */
const seed = Number(globalThis.process?.env['ROTUNDA_SEED'] ?? Date.now() % 4_294_967_296)

/** The random messages of so many frames, in batches. */
function* batches(frames: number): Generator<FrameMessage[]> {
  const random = new Random(seed)
  for (let i = 0; i < frames; i++) {
    yield Array.from({ length: random.chance(0.5) ? 1 : random.whole(2, 20) }, () => anyMessage(random))
  }
}

describe(`the reader and writer made by hand, and the code that flatc generates, seed ${seed}`, () => {
  test('what ours writes theirs reads, and ours', { timeout: 60_000 }, () => {
    for (const batch of batches(2_000)) {
      const frame = buildFrame(...batch)
      assert.deepEqual(referenceRead(frame), batch)
      assert.deepEqual(readFrame(frame), batch)
    }
  })

  test('what theirs writes ours reads, with shared strings or without', { timeout: 60_000 }, () => {
    for (const batch of batches(2_000)) {
      for (const shared of [false, true]) assert.deepEqual(readFrame(referenceWrite(batch, { shared })), batch)
    }
  })

  test('a damaged frame that ours accepts says the same to theirs', { timeout: 60_000 }, () => {
    const random = new Random(seed)
    let accepted = 0
    for (const batch of batches(5_000)) {
      const frame = random.chance(0.5) ? buildFrame(...batch) : referenceWrite(batch).slice()
      const place = random.whole(0, frame.length - 1)
      frame[place] = frame[place]! ^ (1 << random.whole(0, 7))
      let ours: FrameMessage[]
      try {
        ours = readFrame(frame)
      } catch (error) {
        assert.ok(error instanceof RotundaError, `${error}`)
        continue
      }
      accepted += 1
      assert.deepEqual(withoutLongs(referenceRead(frame)), withoutLongs(ours))
    }
    assert.ok(accepted > 1_000, `only ${accepted} were accepted`)
  })

  test('a batch is no longer than its messages alone, so that clients can tell what fits', () => {
    for (const batch of batches(1_000)) {
      const alone = batch.reduce((length, message) => length + buildFrame(message).length, 0)
      assert.ok(buildFrame(...batch).length <= alone)
    }
  })

  test('a frame of one message and a batch of 512 need the same fields once', () => {
    const message = { opcode: 6, room: 'africa', type: 'chat.message', body: '{"text":"Hello!"}' }
    const one = buildFrame(message).length
    const many = buildFrame(...Array.from({ length: 512 }, () => message)).length
    assert.ok(one < 160, `${one} bytes`)
    assert.ok(many / 512 < 60, `${many / 512} bytes each`)
  })
})

/** Beyond 2^53 the reference rounds as we do, but what is 0 it leaves out, and we say. */
function withoutLongs(messages: FrameMessage[]): FrameMessage[] {
  return messages.map(({ seq, timestamp, ...rest }) => {
    return { ...rest, ...(seq ? { seq } : {}), ...(timestamp ? { timestamp } : {}) }
  })
}

describe('every number in a frame', () => {
  const view = (frame: Uint8Array) => new DataView(frame.buffer, frame.byteOffset, frame.byteLength)
  const WIDTHS = [2, 4, 4, 4, 1, 4, 4, 8, 8, 4, 1, 4, 1, 4, 4, 4, 1, 8, 8]
  const VECTORS = [1, 2, 3, 5, 6, 9, 11, 13, 14, 15]

  test('stands where its width divides its position, as other languages need it', () => {
    for (const batch of batches(300)) {
      const frame = view(buildFrame(...batch))
      for (let i = 0; i < batch.length; i++) {
        const table = 28 + 4 * i + frame.getUint32(28 + 4 * i, true)
        const vtable = table - frame.getInt32(table, true)
        assert.equal(vtable % 2, 0)
        assert.equal(table % 4, 0)
        const fields = (frame.getUint16(vtable, true) - 4) / 2
        for (let field = 0; field < fields; field++) {
          const at = frame.getUint16(vtable + 4 + 2 * field, true)
          if (at === 0) continue
          assert.equal((table + at) % WIDTHS[field]!, 0, `field ${field}`)
          if (VECTORS.includes(field)) assert.equal((table + at + frame.getUint32(table + at, true)) % 4, 0)
        }
      }
    }
  })
})

test('a message of a newer schema is read without the fields that we do not know', () => {
  // A vtable of 40 fields: those we know as they are, the others somewhere in a table that is longer.
  const [known] = [...batches(1)][0]!
  const frame = buildFrame(known!)
  const old = new DataView(frame.buffer)
  const table = 28 + old.getUint32(28, true)
  const vtable = table - old.getInt32(table, true)
  const [length, size] = [old.getUint16(vtable, true), old.getUint16(vtable + 2, true)]
  const grown = new Uint8Array(frame.length + 84)
  grown.set(frame)
  const view = new DataView(grown.buffer)
  view.setUint16(frame.length, 84, true)
  view.setUint16(frame.length + 2, size, true)
  for (let at = 4; at < length; at += 2) view.setUint16(frame.length + at, old.getUint16(vtable + at, true), true)
  for (let at = 42; at < 84; at += 2) view.setUint16(frame.length + at, 4, true)
  view.setInt32(table, table - frame.length, true)
  assert.deepEqual(readFrame(grown), [known])
  assert.deepEqual(flatbuffers.decode(grown), flatbuffers.decode(frame))
})
