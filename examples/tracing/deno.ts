// Deno brings OpenTelemetry with it. Run it with
// `OTEL_DENO=true OTEL_SERVICE_NAME=chat deno run --allow-net --allow-env examples/tracing/deno.ts`;
// OTEL_EXPORTER_OTLP_ENDPOINT says where the collector is, by default http://localhost:4318.
import process from 'node:process'
import { createHub } from 'rotunda'
import { serve } from 'rotunda/deno'
import { openTelemetry } from 'rotunda/opentelemetry'
import { chat } from '../chat/protocol.ts'

const hub = createHub({ protocol: chat, tracing: openTelemetry() })
const server = serve(hub, { port: Number(process.env['PORT'] ?? 8080) })
console.log(`listens at ${server.url}`)

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => server.stop())
