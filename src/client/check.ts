import { RotundaError } from '../protocol/rotunda_error.ts'
import type { EventDefinition, Protocol, RpcDefinition } from '../protocol/contract.ts'
import { describeIssue, type StandardSchema, type ValidationResult } from '../protocol/standard_schema.ts'

/**
 * Checks a payload against the contract, at once where the validator is synchronous.
 * @throws {RotundaError} `invalid_payload`, naming the first wrong field.
 */
export function check<T>(schema: StandardSchema<unknown, T>, value: unknown): T | Promise<T> {
  const result = schema['~standard'].validate(value)
  return result instanceof Promise ? result.then(valid) : valid(result)
}

function valid<T>(result: ValidationResult<T>): T {
  if (!result.issues) return result.value
  throw new RotundaError('invalid_payload', describeIssue(result.issues))
}

/** A contract's definition of an event or a request, safe against names such as `constructor`. */
export function definitionOf(protocol: Protocol, type: string, kind: 'event'): EventDefinition | undefined
export function definitionOf(protocol: Protocol, type: string, kind: 'rpc'): RpcDefinition | undefined
export function definitionOf(
  { definitions }: Protocol,
  type: string,
  kind: string,
): EventDefinition | RpcDefinition | undefined {
  const definition = Object.hasOwn(definitions, type) ? definitions[type] : undefined
  return definition?.kind === kind ? definition : undefined
}
