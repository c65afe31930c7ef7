import type { Contract } from '../protocol/contract.ts'
import type { Envelope } from '../protocol/envelope.ts'
import { RotundaError } from '../protocol/errors.ts'
import { quote } from '../protocol/names.ts'
import { FIRST_CUSTOM_OPCODE, isCustomOpcode, typeOf } from '../protocol/opcodes.ts'
import type { Payload } from '../protocol/payload.ts'
import { type BuiltinRequest, builtinRequests } from './builtin_requests.ts'
import type { Connection } from './connection.ts'
import type { OpcodeHandler, OverrideHandler } from './context.ts'
import { encodePayload } from './definitions.ts'
import { HandlerContext } from './handler_context.ts'

/** Requests under reserved types: rotunda's own, what replaces them, and the application's opcodes. */
export class ReservedRequests<C extends Contract, M> {
  readonly #builtin: ReadonlyMap<string, BuiltinRequest<C, M>>
  readonly #requests: Map<string, BuiltinRequest<C, M>>

  constructor(more: ReadonlyMap<string, BuiltinRequest<C, M>>) {
    this.#builtin = new Map([...builtinRequests<C, M>(), ...more])
    this.#requests = new Map(this.#builtin)
  }

  has(type: string): boolean {
    return this.#requests.has(type)
  }

  /** @throws {RotundaError} `reserved_type`, or `unknown_type` for an opcode without a handler. */
  get(type: string): BuiltinRequest<C, M> {
    const request = this.#requests.get(type)
    if (request !== undefined) return request
    if (type.startsWith('opcode.')) throw new RotundaError('unknown_type', `Nothing handles ${quote(type)} here.`)
    throw new RotundaError('reserved_type', `Type ${quote(type)} is rotunda's own and not one that clients send.`)
  }

  /** @throws {RotundaError} `invalid_config` */
  addOpcode(opcode: number, handler: OpcodeHandler<C, M>): () => void {
    const type = isCustomOpcode(opcode) ? typeOf(opcode)! : undefined
    if (type === undefined) {
      throw new RotundaError(
        'invalid_config',
        `Opcode ${opcode} cannot be registered; custom ones are ${FIRST_CUSTOM_OPCODE} to 65535. ` +
          'To replace a built-in request use hub.override.',
      )
    }
    return this.#set(type, async (core, connection, envelope) => {
      const context = new HandlerContext(core, connection, envelope)
      const answer = await handler(context, bodyOf(envelope))
      if (envelope.ref !== undefined) reply(connection, envelope, answer ?? new Uint8Array(0))
    })
  }

  /** @throws {RotundaError} `invalid_config` */
  override(type: string, handler: OverrideHandler<C, M>): () => void {
    const builtin = this.#builtin.get(type)
    if (builtin === undefined) {
      const known = [...this.#builtin.keys()].join(', ')
      throw new RotundaError('invalid_config', `${quote(type)} is not a built-in request; there are: ${known}.`)
    }
    return this.#set(type, async (core, connection, envelope) => {
      const next = () => builtin(core, connection, envelope)
      const answer = await handler(new HandlerContext(core, connection, envelope), envelope.payload, next)
      if (answer !== undefined) reply(connection, envelope, answer)
    })
  }

  #set(type: string, request: BuiltinRequest<C, M>): () => void {
    const before = this.#builtin.get(type)
    if (this.#requests.get(type) !== before) {
      throw new RotundaError('invalid_config', `Type ${quote(type)} has a handler already; remove that one first.`)
    }
    this.#requests.set(type, request)
    return () => {
      if (this.#requests.get(type) !== request) return
      if (before === undefined) this.#requests.delete(type)
      else this.#requests.set(type, before)
    }
  }
}

function reply(connection: Connection, { type, ref, room }: Envelope, answer: unknown): void {
  let payload: Payload
  try {
    payload = encodePayload(answer)
  } catch (cause) {
    // The handler's fault, not the payload's that it was given.
    throw new RotundaError('internal', 'The server failed to answer this request.', { cause })
  }
  connection.sendReply(type, ref, room, payload)
}

/** An opcode's payload as bytes; JSON clients may send a value, whose text it is then. */
function bodyOf({ payload }: Envelope): Uint8Array {
  return payload instanceof Uint8Array ? payload : new TextEncoder().encode(JSON.stringify(payload))
}
