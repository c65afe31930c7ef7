// Traces of every stored message, sent to an OpenTelemetry collector: OTEL_EXPORTER_OTLP_ENDPOINT, by default
// http://localhost:4318. Run it with `bun examples/tracing/bun.ts`.
import { trace } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import process from 'node:process'
import { createHub } from 'rotunda'
import { serve } from 'rotunda/bun'
import { openTelemetry } from 'rotunda/opentelemetry'
import { chat } from '../chat/protocol.ts'

const spans = new BatchSpanProcessor({ exporter: new OTLPTraceExporter() })
trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [spans] }))

const hub = createHub({ protocol: chat, tracing: openTelemetry() })
const server = serve(hub, { port: Number(process.env['PORT'] ?? 8080) })
console.log(`listens at ${server.url}`)

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, async () => {
    await server.stop()
    await spans.shutdown()
  })
}
