import { RotundaError } from '../protocol/rotunda_error.ts'
import type { EventDefinition, Protocol, RpcDefinition } from '../protocol/contract.ts'
import { describeIssue, type StandardSchema, type ValidationResult } from '../protocol/standard_schema.ts'

/** What a value becomes, at once where it need not be awaited. */
export function after<T, U>(value: T | Promise<T>, then: (value: T) => U | Promise<U>): U | Promise<U> {
  return value instanceof Promise ? value.then(then) : then(value)
}

/**
 * Checks a payload against the contract, at once where the validator is synchronous.
 * @throws {RotundaError} `invalid_payload`, naming the first wrong field.
 */
export function check<T>(schema: StandardSchema<unknown, T>, value: unknown): T | Promise<T> {
  return after(schema['~standard'].validate(value), valid)
}

function valid<T>(result: ValidationResult<T>): T {
  if (!result.issues) return result.value
  throw new RotundaError('invalid_payload', describeIssue(result.issues))
}

/** A contract's definition of an event or a request; what every object has, such as `constructor`, is of no kind. */
export function definitionOf(protocol: Protocol, type: string, kind: 'event'): EventDefinition | undefined
export function definitionOf(protocol: Protocol, type: string, kind: 'rpc'): RpcDefinition | undefined
export function definitionOf(
  { definitions }: Protocol,
  type: string,
  kind: string,
): EventDefinition | RpcDefinition | undefined {
  const definition = definitions[type]
  return definition?.kind === kind ? definition : undefined
}
