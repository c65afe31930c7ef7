import { type Envelope, readTrace } from '../../src/protocol/mod.ts'
import { FIELD } from './layout.ts'
import type { FrameReader } from './reader.ts'

/** The trace fields of the reader's message as an envelope has them; without what is none by W3C Trace Context. */
export function traceFields(reader: FrameReader): Pick<Envelope, 'traceparent' | 'parentSpan'> {
  const id = reader.bytes(FIELD.traceId)
  if (id === undefined || id.length !== 16) return {}
  let digits = ''
  for (let i = 0; i < 16; i++) digits += hex(id[i]!, 2)
  const flags = hex(reader.byte(FIELD.traceFlags), 2)
  const parentSpan = reader.has(FIELD.parentSpanId) ? span(reader, FIELD.parentSpanId) : undefined
  return readTrace(`00-${digits}-${span(reader, FIELD.spanId)}-${flags}`, parentSpan)
}

function span(reader: FrameReader, field: number): string {
  return hex(reader.word(field, 1), 8) + hex(reader.word(field, 0), 8)
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0')
}
