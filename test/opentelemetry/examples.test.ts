import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { Buffer } from 'node:buffer'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import process from 'node:process'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { BUN, denoBinary } from '../support/spawn_server.ts'
import { WireClient } from '../support/wire_client.ts'

const file = (name: string) => fileURLToPath(import.meta.resolve(`../../examples/tracing/${name}`))
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'

/** A collector that keeps what it is sent, and resolves when that contains all of some texts. */
async function collector(): Promise<{ url: string; has(texts: string[]): Promise<void>; close(): void }> {
  let received = Buffer.alloc(0)
  let look = () => {}
  const server = createServer((request, response) => {
    request.on('data', (chunk) => received = Buffer.concat([received, chunk]))
    request.on('end', () => {
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
      look()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const has = (texts: string[]) =>
    new Promise<void>((resolve) => {
      look = () => {
        if (texts.every((text) => received.includes(text) || received.includes(Buffer.from(text, 'hex')))) resolve()
      }
      look()
    })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    has,
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}

describe('examples/tracing', () => {
  const examples = [
    ['bun.ts', () => [BUN, file('bun.ts')]],
    ['deno.ts', () => [denoBinary(), 'run', '-A', '--no-check', file('deno.ts')]],
  ] as const
  for (const [name, command] of examples) {
    test(`M3 ${name} sends the spans of a message to a collector`, { timeout: 60_000 }, async () => {
      const sink = await collector()
      const [program, ...parameters] = command()
      const child = spawn(program!, parameters, {
        env: {
          ...process.env,
          PORT: '0',
          OTEL_DENO: 'true',
          OTEL_EXPORTER_OTLP_ENDPOINT: sink.url,
          OTEL_BSP_SCHEDULE_DELAY: '50',
        },
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
      try {
        const port = await new Promise<number>((resolve, reject) => {
          child.stdout.on('data', (chunk) => resolve(Number(/listens at http:.*:(\d+)/.exec(String(chunk))?.[1])))
          void ended.then((code) => reject(new Error(`It ended with ${code}.`)))
        })
        const client = await WireClient.open(port)
        const traceparent = `00-${TRACE}-00f067aa0ba902b7-01`
        const payload = { user: 'Ana', text: 'Hello!' }
        client.send({ type: 'chat.message', room: 'africa', ref: 'a', traceparent, payload })
        await client.next({ type: 'ack' })
        await client.close()
        // By its id: under Deno `child.kill` hides the exit code.
        process.kill(child.pid!, 'SIGTERM')
        await sink.has([TRACE, 'publish chat.message', 'commit', 'deliver', 'africa'])
        assert.equal(await ended, 0)
      } finally {
        child.kill('SIGKILL')
        sink.close()
      }
    })
  }
})
