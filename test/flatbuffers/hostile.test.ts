import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { buildFrame, flatbuffers, readFrame } from '../../adapters/flatbuffers/mod.ts'
import { FrameWriter } from '../../adapters/flatbuffers/writer.ts'
import { type EncodedEnvelope, RotundaError } from '../../src/protocol/mod.ts'
import { referenceWrite } from './reference.ts'

const MESSAGE: EncodedEnvelope = {
  type: 'chat.message',
  room: 'africa',
  ref: 'r1',
  key: 'p1:1',
  seq: 7,
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  payload: '{"text":"Hello!"}',
}

/** Where things stand in a frame of one message. */
function places(frame: Uint8Array) {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength)
  const table = 28 + view.getUint32(28, true)
  const vtable = table - view.getInt32(table, true)
  const entry = (id: number) => vtable + 4 + 2 * id
  const field = (id: number) => table + view.getUint16(entry(id), true)
  const target = (id: number) => field(id) + view.getUint32(field(id), true)
  return { view, table, vtable, entry, field, target }
}

type Places = ReturnType<typeof places>

/** The code with which a valid frame is refused when something in it is changed. */
function changed(change: (places: Places) => void, message: EncodedEnvelope = MESSAGE): string {
  const frame = flatbuffers.encode([message]) as Uint8Array
  assert.ok(flatbuffers.decode(frame)[0]?.envelope !== undefined)
  change(places(frame))
  return codeOf(frame)
}

function codeOf(frame: Uint8Array): string {
  const decoded = flatbuffers.decode(frame)
  try {
    readFrame(frame)
  } catch (error) {
    assert.ok(error instanceof RotundaError, `a tool is told ${error}`)
  }
  return decoded.length === 1 ? decoded[0]?.error?.code ?? 'accepted' : 'accepted'
}

/** So many messages of which each has its own table, and all have the same vtable, room and body. */
function sharing(count: number, { room, body }: { room?: string[]; body?: number }): Uint8Array {
  const texts = (room ?? []).map((text) => new TextEncoder().encode(text))
  const tables = 28 + 4 * count + 12
  const frame = new Uint8Array(
    tables + 16 * count + (body ?? 0) + 4 + texts.reduce((n, text) => n + text.length + 5, 0),
  )
  const view = new DataView(frame.buffer)
  frame.set((flatbuffers.encode([MESSAGE]) as Uint8Array).subarray(0, 28))
  view.setUint32(24, count, true)
  const vtable = tables - 12
  const entries = [12, 16, 4, room === undefined ? 0 : 8, 0, body === undefined ? 0 : 12]
  entries.forEach((entry, i) => view.setUint16(vtable + 2 * i, entry, true))
  const starts: number[] = []
  let end = tables + 16 * count
  view.setUint32(end, body ?? 0, true)
  const bodyAt = end
  // A long number.
  frame.fill(0x31, end + 4, end + 4 + (body ?? 0))
  end += 4 + (body ?? 0)
  for (const text of texts) {
    starts.push(end)
    view.setUint32(end, text.length, true)
    frame.set(text, end + 4)
    end += text.length + 5
  }
  for (let i = 0; i < count; i++) {
    const table = tables + 16 * i
    view.setUint32(28 + 4 * i, table - (28 + 4 * i), true)
    view.setInt32(table, table - vtable, true)
    view.setUint16(table + 4, 200, true)
    if (room !== undefined) view.setUint32(table + 8, starts[i % starts.length]! - (table + 8), true)
    if (body !== undefined) view.setUint32(table + 12, bodyAt - (table + 12), true)
  }
  return frame
}

describe('a malformed frame is refused with invalid_frame', () => {
  const refuses = (what: string, change: (places: Places) => void, message?: EncodedEnvelope) => {
    test(what, () => assert.equal(changed(change, message), 'invalid_frame'))
  }
  const FAR = [0x7fff_ffff, 0x8000_0000, 0xffff_fff0, 0xffff_ffff]

  test('too short, or not ours', () => {
    for (const length of [0, 1, 4, 7, 8, 12]) assert.equal(codeOf(new Uint8Array(length)), 'invalid_frame')
    assert.equal(codeOf(new TextEncoder().encode('{"type":"session.ping"}')), 'invalid_frame')
  })

  refuses('another identifier', ({ view }) => view.setUint8(7, 0x32))

  for (const far of [...FAR, 0, 1_000]) {
    refuses(`root at ${far}`, ({ view }) => view.setUint32(0, far, true))
    refuses(`messages at ${far}`, ({ view }) => view.setUint32(20, far, true))
    refuses(`a message at ${far}`, ({ view }) => view.setUint32(28, far, true))
    refuses(`a vtable at ${far}`, ({ view, table }) => view.setInt32(table, far, true))
    refuses(`the frame's vtable at ${far}`, ({ view }) => view.setInt32(16, far, true))
    for (const id of [1, 3, 5, 15]) {
      refuses(`field ${id} at ${far}`, ({ view, field }) => view.setUint32(field(id), far, true))
    }
  }

  for (const far of [...FAR, 100_000]) {
    refuses(`${far} messages`, ({ view }) => view.setUint32(24, far, true))
    for (const id of [1, 3, 5, 15]) {
      refuses(`field ${id} with ${far} bytes`, ({ view, target }) => view.setUint32(target(id), far, true))
    }
  }

  for (const length of [0, 1, 2, 3, 5, 0xfffe, 0xffff]) {
    refuses(`a vtable of ${length} bytes`, ({ view, vtable }) => view.setUint16(vtable, length, true))
    if (length < 4) {
      refuses(`a table of ${length} bytes`, ({ view, vtable }) => view.setUint16(vtable + 2, length, true))
    }
  }
  refuses('a table that ends beyond the frame', ({ view, vtable }) => view.setUint16(vtable + 2, 0xffff, true))

  for (const at of [1, 3, 0xff, 0xffff]) {
    for (const id of [0, 1, 3, 7, 10]) {
      refuses(`field ${id} at ${at} of its table`, ({ view, entry }) => view.setUint16(entry(id), at, true))
    }
  }

  test('a table that ends one byte beyond the frame', () => {
    const message: EncodedEnvelope = { type: 'ack', payload: '{}' }
    const size = (flatbuffers.encode([message]) as Uint8Array).length
    const shorter = ({ view, table, vtable }: Places, more: number) =>
      view.setUint16(vtable + 2, size - table + more, true)
    assert.equal(changed((places) => shorter(places, 0), message), 'accepted')
    assert.equal(changed((places) => shorter(places, 1), message), 'invalid_frame')
  })

  for (const count of [2, 100, 512]) {
    const large = { ...MESSAGE, payload: new Uint8Array(20_000) }
    refuses(`${count} messages that are one`, ({ view }) => view.setUint32(24, count, true))
    refuses(`${count} messages that are one large one`, ({ view }) => view.setUint32(24, count, true), large)
  }

  test('a list of messages that ends beyond the frame', () => {
    for (const length of [100, 20_000]) {
      const frame = flatbuffers.encode([{ ...MESSAGE, payload: new Uint8Array(length) }]) as Uint8Array
      const longer = new Uint8Array((frame.length + 7) & ~3)
      longer.set(frame)
      const view = new DataView(longer.buffer)
      view.setUint32(longer.length - 4, 1, true)
      view.setUint32(20, longer.length - 4 - 20, true)
      assert.equal(codeOf(longer), 'invalid_frame')
    }
  })

  refuses('a frame without messages', ({ view }) => view.setUint16(12, 0, true))
  refuses('a message that is the frame', ({ view }) => view.setUint32(28, 0xffff_fff4, true))
  refuses('a string without its zero', ({ view, target }) => {
    view.setUint8(target(1) + 4 + 'africa'.length, 0x21)
  })
  refuses('a string that is not UTF-8', ({ view, target }) => view.setUint8(target(1) + 4, 0xff))
  refuses('a long string that is not UTF-8', ({ view, target }) => view.setUint8(target(1) + 50, 0x80), {
    ...MESSAGE,
    room: 'x'.repeat(100),
  })
})

describe('what is odd but harmless', () => {
  test('a body that is the table that refers to it is bytes like any others', () => {
    const frame = flatbuffers.encode([{ ...MESSAGE, to: 's1', payload: new Uint8Array(3) }]) as Uint8Array
    const { view, table, field } = places(frame)
    // From the body's field forwards to the one before it, which is forwards only by 4 GiB less a little: refused.
    view.setUint32(field(3), 0x1_0000_0000 - 8, true)
    assert.equal(codeOf(frame), 'invalid_frame')
    // The last offset of the table as the length of a body: whatever it says, it ends inside of the frame or is refused.
    for (let at = field(3) + 4; at < table + 60; at += 4) {
      view.setUint32(field(3), at - field(3), true)
      assert.ok(['accepted', 'invalid_frame'].includes(codeOf(frame)))
    }
  })

  test('bytes after the last thing that is referred to are ignored', () => {
    const frame = flatbuffers.encode([MESSAGE]) as Uint8Array
    const longer = new Uint8Array(frame.length + 9).fill(0xff)
    longer.set(frame)
    assert.deepEqual(flatbuffers.decode(longer), flatbuffers.decode(frame))
  })

  test('strings that messages share are read, as builders write them', () => {
    const batch = Array.from({ length: 512 }, (_, i) => {
      return { opcode: 6, room: `room ${i % 3}`, type: 'chat.message', token: 'e30.'.repeat(100), body: `${i}` }
    })
    const decoded = flatbuffers.decode(referenceWrite(batch, { shared: true }))
    assert.deepEqual(
      decoded.map(({ envelope }) => [envelope?.room, envelope?.payload, envelope?.token?.length]),
      batch.map((
        { room },
        i,
      ) => [room, i, 400]),
    )
  })
})

describe('a small frame cannot become much work', () => {
  test('512 messages that have one body are refused', () => {
    assert.equal(codeOf(sharing(1, { body: 1_000 })), 'accepted')
    assert.equal(codeOf(sharing(512, { body: 30_000 })), 'invalid_frame')
    assert.equal(codeOf(sharing(3, { body: 1_000 })), 'invalid_frame')
  })

  test('512 messages that are one are refused', () => {
    const frame = flatbuffers.encode(Array.from({ length: 512 }, () => MESSAGE)) as Uint8Array
    const { view } = places(frame)
    const table = 28 + view.getUint32(28, true)
    for (let i = 0; i < 512; i++) view.setUint32(28 + 4 * i, table - (28 + 4 * i), true)
    // As short as can be: nothing but the one message, and 512 offsets to it.
    const end = 28 + 4 * 512 + 200
    assert.equal(codeOf(frame.slice(0, end)), 'invalid_frame')
  })

  test('512 messages that take turns with two long rooms are refused, with one long room they are read once', () => {
    const [a, b] = ['a'.repeat(50_000), 'b'.repeat(50_000)]
    assert.equal(codeOf(sharing(512, { room: [a, b] })), 'invalid_frame')
    const decoded = flatbuffers.decode(sharing(512, { room: [a] }))
    assert.equal(decoded.length, 512)
    assert.equal(decoded[511]?.envelope?.room, a)
  })

  test('512 messages may share their trace id, but not a long one', () => {
    const frame = flatbuffers.encode(Array.from({ length: 512 }, () => MESSAGE)) as Uint8Array
    const { view, field, target } = places(frame)
    const first = target(15)
    const stride = view.getUint32(32, true) + 4 - view.getUint32(28, true)
    for (let i = 0; i < 512; i++) view.setUint32(field(15) + i * stride, first - (field(15) + i * stride), true)
    assert.equal(flatbuffers.decode(frame).filter(({ envelope }) => envelope?.traceparent).length, 512)
    view.setUint32(first, frame.length - first - 4, true)
    assert.equal(codeOf(frame), 'invalid_frame')
  })

  test('a frame that claims 4 GiB costs no more than its own bytes', () => {
    const frame = flatbuffers.encode([MESSAGE]) as Uint8Array
    const { view, target } = places(frame)
    view.setUint32(target(3), 0xffff_ffff, true)
    const start = performance.now()
    for (let i = 0; i < 1_000; i++) assert.equal(codeOf(frame), 'invalid_frame')
    assert.ok(performance.now() - start < 5_000)
  })
})

test('every single bit that is flipped makes a frame that is read or refused', () => {
  const envelopes: EncodedEnvelope[] = [MESSAGE, { ...MESSAGE, from: 's1', payload: Uint8Array.of(1, 2, 3) }, {
    type: 'ack',
    payload: '{}',
  }]
  const frame = flatbuffers.encode(envelopes) as Uint8Array
  let refused = 0
  for (let bit = 0; bit < frame.length * 8; bit++) {
    frame[bit >> 3] = frame[bit >> 3]! ^ (1 << (bit & 7))
    const decoded = flatbuffers.decode(frame)
    for (const { envelope, error } of decoded) {
      if (error !== undefined) refused += 1
      assert.ok(envelope !== undefined || /^(?:invalid_\w+|unknown_type)$/.test(error.code), `bit ${bit}`)
    }
    frame[bit >> 3] = frame[bit >> 3]! ^ (1 << (bit & 7))
  }
  assert.ok(refused > 500, `${refused}`)
  assert.deepEqual(flatbuffers.decode(frame).map(({ error }) => error), [undefined, undefined, undefined])
})

test('what an earlier, longer frame had is never read by a shorter one', () => {
  const secret = flatbuffers.encode([{ ...MESSAGE, payload: JSON.stringify('secret'.repeat(100)) }]) as Uint8Array
  flatbuffers.decode(secret)
  for (let length = secret.length - 1; length >= 0; length--) {
    assert.equal(codeOf(secret.slice(0, length)), 'invalid_frame')
  }
})

test('no byte of an earlier frame stands in a gap of a later one', () => {
  const encode = (batch: EncodedEnvelope[]) => flatbuffers.encode(batch) as Uint8Array
  const batch = Array.from({ length: 20 }, (_, i) => ({ ...MESSAGE, room: 'x'.repeat(i), payload: new Uint8Array(i) }))
  encode([{ type: 'a', payload: new Uint8Array(50_000).fill(0x00) }])
  const clean = encode(batch)
  encode([{ type: 'a', payload: new Uint8Array(50_000).fill(0xee) }])
  assert.deepEqual(encode(batch), clean)
})

test('frames of two writers do not get into each other', () => {
  const batch: EncodedEnvelope[] = [{ ...MESSAGE, to: 's1' }, { ...MESSAGE, from: 's2' }]
  const [first, second] = [new FrameWriter(), new FrameWriter()]
  const frame = first.write(batch, () => 200)
  assert.deepEqual(second.write(batch.slice(1), () => 200), first.write(batch.slice(1), () => 200))
  assert.deepEqual(second.write(batch, () => 200), frame)
  assert.equal(codeOf(second.write(batch, () => 200)), codeOf(frame))
  assert.equal(codeOf(buildFrame({ opcode: 200 })), 'accepted')
})

test('names that differ in one place are told apart', () => {
  for (let place = 0; place < 12; place++) {
    for (const letter of 'abc') {
      const room = `${'x'.repeat(place)}${letter}${'x'.repeat(11 - place)}`
      const decoded = flatbuffers.decode(flatbuffers.encode([{ ...MESSAGE, room }]))
      assert.equal(decoded[0]?.envelope?.room, room)
    }
  }
})
