import { CLOSE } from '../protocol/close_codes.ts'
import type { Contract } from '../protocol/contract.ts'
import type { Decoded } from '../protocol/codec.ts'
import { RotundaError } from '../protocol/errors.ts'
import { jsonCodec } from '../protocol/json_codec.ts'
import { answerArray, answerQueued } from './answers.ts'
import { type Asked, readSession } from './asked.ts'
import { readBody } from './body.ts'
import { ENVELOPES } from './envelope_frame.ts'
import { type FallbackNode, wrongMethod } from './node.ts'
import { RequestPeer } from './request_peer.ts'
import { addressed, mailboxFor, namedMailbox } from './shared/address.ts'

/** How long the answers to what was sent without a session may take, in milliseconds. */
const ANSWER_TIME = 30_000

/**
 * `POST /send`: what a client would send over a WebSocket, as a session or without one.
 * @throws {RotundaError} As rejection: what is wrong with the request, or with all of what it sends.
 */
export async function answerSend<C extends Contract, M>(node: FallbackNode<C, M>, asked: Asked<M>): Promise<Response> {
  const { request } = asked
  if (request.method !== 'POST') throw wrongMethod('/send', request.method, 'POST')
  const { credential, mailbox } = readSession(asked)
  const session = credential === undefined ? undefined : node.sessions.find(credential)
  const text = await readBody(request, node.limits.maxMessageSize)
  const decoded = jsonCodec.decode(text)
  const [first] = decoded
  if (decoded.length === 1 && first?.error !== undefined) throw first.error
  if (session === undefined) return await sendAlone(node, asked, { text, decoded, mailbox })
  await node.hub.continued(session.connection, await asked.admit())
  if (!session.connection.isUsable) throw node.sessions.unknown()
  session.connection.receive(text)
  return answerQueued(session.id)
}

interface Body {
  readonly text: string
  readonly decoded: readonly Decoded[]
  readonly mailbox: string | undefined
}

/** By a session that lives for this request. */
async function sendAlone<C extends Contract, M>(
  node: FallbackNode<C, M>,
  { caller, admit }: Asked<M>,
  { text, decoded, mailbox: named }: Body,
): Promise<Response> {
  node.refuseIfFull()
  caller.patient()
  const admission = await admit(true)
  const mailbox = named ?? namedMailbox(text)
  const refs = decoded.flatMap(({ envelope }) => {
    return envelope?.ref === undefined || envelope.kind === 'reply' ? [] : [envelope.ref]
  })
  const peer = new RequestPeer(caller)
  const { metadata } = admission
  const connection = node.hub.connect(peer, { subprotocol: undefined, metadata, admission, variant: ENVELOPES })
  const frame = mailbox === undefined ? text : addressed(text, mailbox)
  const { frames, error, closedWith } = await peer.ask(connection, frame, refs, ANSWER_TIME)
  if (error !== undefined && (refs.length === 0 || closedWith !== undefined)) throw error
  if (closedWith === CLOSE.goingAway) throw new RotundaError('shutting_down', 'The server is stopping; send it again.')
  return refs.length > 0 ? answerArray(frames) : answerQueued(mailbox ?? mailboxFor(decoded[0]?.envelope?.room))
}
