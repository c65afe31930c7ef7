import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as bun from '../../adapters/bun/mod.ts'
import * as deno from '../../adapters/deno/mod.ts'
import * as flatbuffers from '../../adapters/flatbuffers/mod.ts'
import * as hono from '../../adapters/hono/mod.ts'
import * as libsql from '../../adapters/libsql/mod.ts'
import * as prometheus from '../../adapters/prometheus/mod.ts'
import * as rotunda from '../../src/mod.ts'
import { createClient } from '../../src/client/mod.ts'
import { connectPeer, MemoryHost } from '../support/memory_peer.ts'
import { testPage } from '../support/page.ts'
import { readSource } from '../support/source.ts'
import { notes } from '../support/test_hub.ts'

testPage('docs/coming-from.md')

const cells = [...readSource('docs/coming-from.md').text.matchAll(/^\|[^|]*\|(.*)\|$/gm)].map(([, cell]) => cell!)
const spans = cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, span]) => span!))

describe('docs/coming-from.md', () => {
  test('names members that exist', async () => {
    const hub = rotunda.createHub({ protocol: notes, countTypes: true })
    const host = new MemoryHost({ native: true })
    const contexts: object[] = []
    hub.onOpcode(200, (ctx) => void contexts.push(ctx))
    const peer = connectPeer(hub, host)
    peer.say({ type: 'opcode.200', ref: '1', payload: {} })
    await peer.next('opcode.200', '1')
    const client = createClient({ url: 'ws://localhost:1/ws', protocol: notes, autoConnect: false })
    const things: Record<string, object> = {
      hub,
      session: hub.session(peer.connection.id)!,
      ctx: contexts[0]!,
      client,
      room: client.join('r'),
      store: rotunda.memoryStore(),
    }
    let looked = 0
    for (const span of spans) {
      const [, name, rest = ''] = /^(hub|session|ctx|client|room|store)\.(.*)$/.exec(span) ?? []
      if (name === undefined) continue
      const [, member = '', after] = /^(\w+)(?:\(name\)\.(\w+))?/.exec(rest)!
      assert.ok(member in things[name]!, span)
      if (after !== undefined) assert.ok(after in hub.room('r'), span)
      looked += 1
    }
    assert.ok(looked > 60, `${looked}`)
    await hub.close()
  })

  test('names functions that are exported', () => {
    const all = { ...rotunda, ...bun, ...deno, ...hono, ...libsql, ...flatbuffers, ...prometheus, createClient }
    const called = spans.flatMap((span) => [...span.matchAll(/^(\w+)(?=\(|$)|(?<=[ (])(\w+)\(/g)])
    const names = new Set(
      called.map(([, first, inner]) => (first ?? inner)!).filter((name) => /[a-z][A-Z]|^serve$/.test(name)),
    )
    assert.ok(names.size > 8)
    const options = ['connectionStateRecovery']
    for (const name of names) if (!options.includes(name)) assert.ok(name in all, name)
  })
})
