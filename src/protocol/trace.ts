import type { Envelope } from './envelope.ts'

const TRACEPARENT = /^[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}$/
const SPAN = /^[\da-f]{16}$/
const NO_TRACE = '0'.repeat(32)
const NO_SPAN = '0'.repeat(16)

/** Where a message belongs in a trace. */
export interface Trace {
  /** 32 hexadecimal digits. */
  readonly traceId: string
  /** The sender's span: 16 hexadecimal digits. */
  readonly spanId: string
  /** The span that the sender's belongs to, where it says. */
  readonly parentSpanId: string | undefined
  readonly sampled: boolean
}

/** The trace fields of an envelope as received. What is malformed is left out, as W3C Trace Context asks. */
export function readTrace(traceparent: unknown, parentSpan: unknown): Pick<Envelope, 'traceparent' | 'parentSpan'> {
  if (typeof traceparent !== 'string' || !isTraceparent(traceparent)) return {}
  return typeof parentSpan === 'string' && SPAN.test(parentSpan) ? { traceparent, parentSpan } : { traceparent }
}

/** Whether a text is a `traceparent` that names a trace and a span. */
export function isTraceparent(text: string): boolean {
  if (!TRACEPARENT.test(text) || text.startsWith('ff')) return false
  return text.slice(3, 35) !== NO_TRACE && text.slice(36, 52) !== NO_SPAN
}

/** An envelope's trace in parts; undefined when it has none. */
export function traceOf({ traceparent, parentSpan }: Pick<Envelope, 'traceparent' | 'parentSpan'>): Trace | undefined {
  if (traceparent === undefined) return undefined
  return {
    traceId: traceparent.slice(3, 35),
    spanId: traceparent.slice(36, 52),
    parentSpanId: parentSpan,
    sampled: (parseInt(traceparent.slice(53), 16) & 1) === 1,
  }
}
