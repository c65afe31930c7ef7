import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { type Child, startChild } from '../support/child.ts'
import { testPage } from '../support/page.ts'
import { readSource } from '../support/source.ts'
import { userProject } from '../support/user_project.ts'

const PAGE = 'docs/rfc6455.md'
const blocks = readSource(PAGE).text.matchAll(/^```ts (\S+)\n(.*?)^```$/gms)
const programs = new Map([...blocks].map(([, name = '', text = '']) => [name, text]))
const SLOW = { timeout: 60_000 }

testPage(PAGE, [])

async function linesOf({ lines, ended }: Child): Promise<string[]> {
  const all: string[] = []
  for await (const line of lines) all.push(line)
  const { code, stderr } = await ended
  assert.equal(code, 0, stderr)
  return all
}

describe(`${PAGE}, run`, () => {
  let user: Awaited<ReturnType<typeof userProject>>

  before(async () => {
    user = await userProject(programs, [])
  })

  after(() => user.remove())

  const start = (name: string, ...args: string[]) => startChild(pathToFileURL(join(user.path, name)).href, ...args)

  /** The echo server of the page, for as long as it is used. */
  async function withEcho(use: (port: number) => Promise<void>): Promise<void> {
    const server = start('echo.ts')
    try {
      const { value } = await server.lines[Symbol.asyncIterator]().next() as { value: string }
      await use((JSON.parse(value) as { port: number }).port)
    } finally {
      server.process.kill('SIGKILL')
      await server.ended
    }
  }

  for (const name of ['handshake.ts', 'frames.ts', 'count.ts']) {
    test(`${name} prints what it says it prints`, SLOW, async () => {
      const said = [...(programs.get(name) ?? '').matchAll(/^console\.log\(.*\) \/\/ (.*)$/gm)].map(([, text]) => text)
      assert.ok(said.length > 0)
      assert.deepEqual(await linesOf(start(name)), said)
    })
  }

  test(
    'echo.ts serves a client of the runtime: text, bytes, what is large and what is empty, and the close',
    SLOW,
    () => {
      return withEcho(async (port) => {
        const socket = new WebSocket(`ws://127.0.0.1:${port}`)
        socket.binaryType = 'arraybuffer'
        const unread: unknown[] = []
        let wake = () => {}
        socket.onmessage = ({ data }) => {
          unread.push(data)
          wake()
        }
        const closed = new Promise<CloseEvent>((resolve) => socket.onclose = resolve)
        await new Promise((resolve) => socket.onopen = resolve)
        const large = Uint8Array.from({ length: 500_000 }, (_, i) => i * 7)
        const sent = ['Hello €\u{1f680}', '', 'x'.repeat(200), new Uint8Array([1, 0, 255]), 'y'.repeat(70_000), large]
        for (const message of sent) socket.send(message)
        for (const message of sent) {
          while (unread.length === 0) await new Promise<void>((resolve) => wake = resolve)
          const received = unread.shift()
          assert.deepEqual(received instanceof ArrayBuffer ? new Uint8Array(received) : received, message)
        }
        socket.close(4321, 'enough')
        const { code, reason, wasClean } = await closed
        assert.deepEqual({ code, reason, wasClean }, { code: 4321, reason: 'enough', wasClean: true })
      })
    },
  )

  test('echo.ts refuses what is no handshake, and lives', SLOW, () => {
    return withEcho(async (port) => {
      for (let i = 0; i < 2; i++) assert.equal((await fetch(`http://127.0.0.1:${port}/`)).status, 400)
    })
  })

  test('probe.ts shows how a server answers to a frame that is not masked', SLOW, () => {
    return withEcho(async (port) => {
      assert.deepEqual(await linesOf(start('probe.ts', String(port))), ['8 A frame of a client is not masked.'])
    })
  })
})
