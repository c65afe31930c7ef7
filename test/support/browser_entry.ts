/** What tests find in a page: rotunda's client with all that a browser may use of it. */
import { chat } from '../../examples/chat/protocol.ts'
import { createClient } from '../../src/client/mod.ts'
import { indexedDbOutbox, outbox } from '../../src/client/kept_outbox/mod.ts'
import { outgoing } from '../../src/client/outgoing/mod.ts'
import { fallback, longPolling, sse, webSocket } from '../../src/client/transports/mod.ts'
import { OUTBOX_CHECKS } from '../conformance/outbox_checks.ts'

/** Makes a client that keeps what it has to send, and puts down all that it sees. */
function start(retry: number, backoff = { base: 100, max: 500 }): object {
  const transports = fallback([webSocket(), sse(), longPolling()], { patience: 500, retry })
  const mine = outgoing()
  const client = createClient({
    url: '/ws',
    protocol: chat,
    backoff,
    use: [transports, mine, outbox({ store: indexedDbOutbox('test') })],
  })
  const room = client.join('africa', { last: 500 })
  const texts: string[] = []
  const seqs: number[] = []
  const errors: string[] = []
  room.on('chat.message', ({ seq, payload }) => {
    seqs.push(seq)
    texts.push(payload.text)
  })
  client.onError(({ message }) => errors.push(message))
  const say = (text: string) => room.publish('chat.message', { user: 'Ana', text })
  return { client, transports, mine, texts, seqs, errors, say }
}

async function conformance(): Promise<string[]> {
  const problems: string[] = []
  for (const [i, { name, check }] of OUTBOX_CHECKS.entries()) {
    // What is opened again is another user of it: what the first one has is its own until it is gone, but for its names.
    const store = indexedDbOutbox(`check ${i}`)
    const reopen = () => Promise.resolve(store)
    await check({ store, reopen }).catch((error) => problems.push(`${name}: ${error}`))
  }
  return problems
}

Object.assign(globalThis, { start, conformance, indexedDbOutbox })
