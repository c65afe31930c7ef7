import type { Contract, EventDefinition, Protocol, RpcDefinition } from '../protocol/contract.ts'
import { RotundaError } from '../protocol/errors.ts'
import { quote } from '../protocol/names.ts'
import type { Payload } from '../protocol/payload.ts'
import { describeIssue, type StandardSchema, type ValidationResult } from '../protocol/standard_schema.ts'
import { isThenable } from './thenable.ts'

/** Longest description of what is wrong with a payload: names in it may be the client's own, and as long as its frame. */
const LONGEST = 512

/** A contract by name, safe against names such as `constructor`. */
export class Definitions {
  readonly #byName: ReadonlyMap<string, EventDefinition | RpcDefinition>

  constructor(protocol: Protocol<Contract>) {
    this.#byName = new Map(Object.entries(protocol.definitions))
  }

  has(type: string): boolean {
    return this.#byName.has(type)
  }

  /** @throws {RotundaError} `unknown_type` */
  get(type: string): EventDefinition | RpcDefinition {
    const definition = this.#byName.get(type)
    if (definition === undefined) {
      throw new RotundaError('unknown_type', `Type ${quote(type)} is not in the server's protocol.`)
    }
    return definition
  }

  /** @throws {RotundaError} `unknown_type` when the name is not an event's. */
  event(type: string): EventDefinition {
    const definition = this.get(type)
    if (definition.kind === 'event') return definition
    throw new RotundaError('unknown_type', `Type ${quote(type)} is a request, not an event.`)
  }

  /** @throws {RotundaError} `unknown_type` when the name is not a request's. */
  rpc(type: string): RpcDefinition {
    const definition = this.get(type)
    if (definition.kind === 'rpc') return definition
    throw new RotundaError('unknown_type', `Type ${quote(type)} is an event, not a request.`)
  }
}

/**
 * Checks a payload, at once where the validator is synchronous.
 * @throws {RotundaError} `invalid_payload`, naming the first wrong field.
 */
export function validate<T>(schema: StandardSchema<unknown, T>, value: unknown): T | Promise<T> {
  const result = schema['~standard'].validate(value)
  return isThenable(result) ? Promise.resolve(result).then(valid) : valid(result)
}

function valid<T>(result: ValidationResult<T>): T {
  if (result.issues === undefined) return result.value
  const text = describeIssue(result.issues)
  throw new RotundaError('invalid_payload', text.length > LONGEST ? `${text.slice(0, LONGEST - 3)}...` : text)
}

/**
 * A checked payload as it is stored and sent: bytes as they are, all else as JSON text.
 * @throws {RotundaError} `invalid_payload` for what JSON cannot say.
 */
export function encodePayload(value: unknown): Payload {
  if (value instanceof Uint8Array) return value
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch (cause) {
    throw new RotundaError('invalid_payload', 'payload: cannot be written as JSON', { cause })
  }
  if (text === undefined) throw new RotundaError('invalid_payload', 'payload: is not a JSON value')
  return text
}
