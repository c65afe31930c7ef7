import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { z } from 'zod'
import { createHub, createRouter, defineProtocol, event, memoryStore } from '../../src/mod.ts'
import { WIRE_DOCUMENT } from '../support/document.ts'
import { type Ask, EventReader } from '../support/http_client.ts'

const chat = defineProtocol({ 'chat.message': event(z.object({ user: z.string(), text: z.string() })) })

/** What the document prints of HTTP, in its order. */
const [stream, closed, asSession, queued, alone, acked, polled] = [
  ...WIRE_DOCUMENT.matchAll(/```http\n([\s\S]*?)```/g),
].map(([, text]) => text!.trim()) as [string, string, string, string, string, string, string]

/** The request that is printed, as it can be sent. */
function printedRequest(text: string, credential: string): [path: string, init: RequestInit] {
  const [head, body] = text.split('\n\n')
  const [line, ...fields] = head!.split('\n')
  const [method, path] = line!.split(' ')
  const headers = Object.fromEntries(fields.map((field) => field.split(': '))) as Record<string, string>
  if (headers['Rotunda-Session'] !== undefined) headers['Rotunda-Session'] = credential
  return [path!, { method: method!, headers, body: body! }]
}

/** Checks the answer against the one that is printed: status, headers, body. */
async function isPrinted(response: Response, text: string, printed: (text: string) => string): Promise<void> {
  const [head, body] = text.split('\n\n')
  const [line, ...fields] = head!.split('\n')
  assert.equal(`${response.status}`, line!.split(' ')[1])
  for (const field of fields) {
    const [name, value] = field.split(': ')
    assert.ok(printed(response.headers.get(name!)!).startsWith(value!), `${field}: ${response.headers.get(name!)}`)
  }
  assert.deepEqual(JSON.parse(printed(await response.text())), JSON.parse(body!))
}

describe('the wire document', () => {
  test('says what SSE and long polling answer', async () => {
    const hub = createHub({ protocol: chat, store: memoryStore(), node: 'n1' })
    const route = createRouter(hub)
    const ask: Ask = async (path, init) => {
      const routed = route(new Request(`http://localhost${path}`, init))
      assert.ok(routed !== undefined && 'answer' in routed)
      return await routed.answer
    }
    for (let n = 1; n <= 12; n++) await hub.room('africa').publish('chat.message', { user: 'Ada', text: `${n}` })

    const reader = await EventReader.open(ask, '?room=africa')
    const { session, credential } = await reader.welcome()
    await reader.next({ type: 'room.joined' })
    const printed = (text: string) => {
      return text.replaceAll(credential, '4b1f….Zk3…').replaceAll(session, '4b1f…').replaceAll(hub.epoch, 'e1')
        .replaceAll(/"from":"[0-9a-f-]{36}"/g, '"from":"9c02…"').replaceAll(/"ts":\d+/g, '"ts":1790000000000')
    }
    await isPrinted(await ask(...printedRequest(alone, credential)), acked, printed)
    await reader.next({ seq: 13 })
    const [head, ...blocks] = stream.split('\n\n')
    for (const field of head!.split('\n').slice(1)) {
      const [name, value] = field.split(': ')
      if (name !== 'X-Accel-Buffering') assert.equal(reader.response.headers.get(name!), value)
    }
    const events = reader.events.map(({ data, id }) => printed(`data: ${data}${id === undefined ? '' : `\nid: ${id}`}`))
    assert.deepEqual(events, blocks.filter((block) => block.startsWith('data: ')))
    assert.match(reader.lines[0]!, /^retry: \d+$/)

    await isPrinted(await ask(`/poll?room=africa&cursor=${hub.epoch}:12&wait=25`), polled, printed)
    await isPrinted(await ask(...printedRequest(asSession, credential)), queued, printed)
    await reader.next({ type: 'ack', ref: '2' })
    await hub.close()
    await reader.ended
    assert.equal(`data: ${reader.events.at(-1)!.data}`, closed)
  })
})
