import {
  type Context,
  context,
  isSpanContextValid,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Tracer,
} from '@opentelemetry/api'
import type { MessageTrace, RotundaError, TracedCommit, TracedMessage, Tracing } from '../../src/mod.ts'

/** How messages are traced. */
export interface OpenTelemetryOptions {
  /** Default: that of the global provider, under the name `rotunda`. */
  readonly tracer?: Tracer
}

/**
 * Makes spans of a hub's durable messages, for `createHub({ tracing: openTelemetry() })`: `publish` from taking a message
 * to handing it to the transports, and in it `commit` and `deliver`. A message's `traceparent` is the parent of its
 * `publish`; who gets the message live is given that of `publish`.
 *
 * Who sets up the OpenTelemetry SDK decides what is sampled and where it goes. Without an SDK nothing is recorded, and
 * senders' trace ids are handed on as they are.
 *
 * @example
 * ```ts
 * const hub = createHub({ protocol: chat, tracing: openTelemetry() })
 * ```
 */
export function openTelemetry({ tracer }: OpenTelemetryOptions = {}): Tracing {
  return {
    // Asked for each message: the SDK may be set up after the hub.
    publish: (message) => new MessageSpan(tracer ?? trace.getTracer('rotunda'), message),
  }
}

class MessageSpan implements MessageTrace {
  readonly traceparent: string | undefined
  readonly #tracer: Tracer
  readonly #span: Span
  readonly #context: Context

  constructor(tracer: Tracer, { room, type, from, traceparent }: TracedMessage) {
    const attributes = {
      'messaging.system': 'rotunda',
      'messaging.operation.name': 'publish',
      'messaging.destination.name': room,
      'rotunda.type': type,
      ...(from === null ? {} : { 'rotunda.session': from }),
    }
    const parent = parentOf(traceparent)
    this.#tracer = tracer
    this.#span = tracer.startSpan(`publish ${type}`, { kind: SpanKind.SERVER, attributes }, parent)
    this.#context = trace.setSpan(parent, this.#span)
    this.traceparent = traceparentOf(this.#span)
  }

  committed({ id, seq, repeat, messages, began, ended, delivered }: TracedCommit): void {
    this.#span.setAttributes({ 'messaging.message.id': id, 'rotunda.seq': seq, 'rotunda.repeat': repeat })
    const attributes = { 'messaging.batch.message_count': messages }
    this.#tracer.startSpan('commit', { kind: SpanKind.CLIENT, startTime: began, attributes }, this.#context).end(ended)
    // A repeat is acknowledged and delivered to nobody.
    if (!repeat) {
      this.#tracer.startSpan('deliver', { kind: SpanKind.PRODUCER, startTime: ended }, this.#context).end(delivered)
    }
    this.#span.end(delivered)
  }

  failed(error: RotundaError): void {
    this.#span.setStatus({ code: SpanStatusCode.ERROR, message: error.code })
    this.#span.end()
  }
}

/** The sender's span as a remote parent; nobody's where it names none. */
function parentOf(traceparent: string | undefined): Context {
  const root = context.active()
  if (traceparent === undefined) return root
  const [, traceId = '', spanId = '', flags = ''] = traceparent.split('-')
  return trace.setSpanContext(root, { traceId, spanId, traceFlags: parseInt(flags, 16), isRemote: true })
}

/** Undefined where there is no SDK: its spans have no ids. */
function traceparentOf(span: Span): string | undefined {
  const spanContext = span.spanContext()
  if (!isSpanContextValid(spanContext)) return undefined
  const { traceId, spanId, traceFlags } = spanContext
  return `00-${traceId}-${spanId}-${(traceFlags & TraceFlags.SAMPLED).toString(16).padStart(2, '0')}`
}
