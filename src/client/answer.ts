import type { Contract, RpcName, RpcReply, RpcRequest } from '../protocol/contract.ts'
import type { Envelope } from '../protocol/envelope.ts'
import type { ErrorCode } from '../protocol/errors.ts'
import { RotundaError } from '../protocol/rotunda_error.ts'
import { check, definitionOf } from './check.ts'
import type { Client } from './client.ts'
import type { Outbox } from './outbox.ts'

/** What a request of the server comes with. */
export interface ServerRequest {
  readonly type: string
  readonly room?: string
  /** Where it belongs in a trace, if the server said so. */
  readonly traceparent?: string
}

/** Gives the payload of the reply. */
type Reply = (request: Envelope) => Promise<unknown>

/** As much of a message as servers keep. */
const LONGEST_MESSAGE = 1_000

/** What each client answers, by type. */
const replies = new WeakMap<Outbox, Map<string, Reply>>()

/**
 * Answers what the server asks of this client with `session.request`, on this connection and on all that follow. Without
 * it the server is told `not_found`.
 *
 * A `RotundaError` that the handler throws is told to the server by its code and message. Anything else it throws is
 * told to the client's `onError`, and to the server as `internal` without what was thrown.
 *
 * @returns What ends it.
 * @throws {RotundaError} `invalid_config` for a type that is no request, or is answered already.
 * @example
 * ```ts
 * answer(client, 'call.offer', async ({ from }) => ({ accepted: await ring(from) }))
 * ```
 */
export function answer<C extends Contract, K extends RpcName<C>>(
  client: Client<C>,
  type: K,
  handler: (payload: RpcRequest<C, K>, request: ServerRequest) => RpcReply<C, K> | Promise<RpcReply<C, K>>,
): () => void {
  const outbox = client.calls
  const { protocol } = outbox
  const definition = definitionOf(protocol, type, 'rpc')
  if (!definition) throw new RotundaError('invalid_config', `"${type}" is no request of the protocol.`)
  const known = replies.get(outbox) ?? serve(client, outbox)
  if (known.has(type)) throw new RotundaError('invalid_config', `"${type}" is answered already; end that first.`)
  const reply: Reply = async (request) => {
    const payload = await check(definition.request, request.payload)
    const answered = await handler(payload as RpcRequest<C, K>, request)
    try {
      return await check(definition.response, answered)
    } catch (cause) {
      // Not the server's fault, whatever the validator calls it.
      throw new Error('The reply does not fit the contract.', { cause })
    }
  }
  known.set(type, reply)
  return () => {
    if (known.get(type) === reply) known.delete(type)
  }
}

/** Makes a client answer. */
function serve<C extends Contract>(client: Client<C>, outbox: Outbox): Map<string, Reply> {
  const known = new Map<string, Reply>()
  const refuse = outbox.serve.bind(outbox)
  outbox.serve = (request) => {
    const reply = known.get(request.type)
    if (!reply) return refuse(request)
    void answerTo(client, outbox, request, reply)
    return true
  }
  replies.set(outbox, known)
  return known
}

async function answerTo<C extends Contract>(
  client: Client<C>,
  outbox: Outbox,
  request: Envelope,
  reply: Reply,
): Promise<void> {
  const { connection } = outbox
  const { welcome } = connection
  const { type, ref } = request
  const post = (type: string, payload: unknown) => {
    // On another connection the reference may be that of another request.
    if (connection.welcome === welcome) outbox.post({ type, kind: 'reply', ref, payload } as Envelope)
  }
  // Cut, since nothing else could say that it is too long for a frame.
  const fail = (code: ErrorCode, message: string) => post('error', { code, message: message.slice(0, LONGEST_MESSAGE) })
  try {
    post(type, sendable(await reply(request)))
  } catch (error) {
    if (error instanceof RotundaError) return fail(error.code, error.message)
    client.receiver.report(error, request)
    fail('internal', 'The client failed to answer this request.')
  }
}

/** A payload that JSON can say, or bytes. @throws {Error} */
function sendable(payload: unknown): unknown {
  if (!(payload instanceof Uint8Array)) JSON.stringify(payload)
  return payload
}
