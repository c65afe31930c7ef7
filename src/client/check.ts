import { RotundaError } from '../protocol/rotunda_error.ts'
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
  if (result.issues === undefined) return result.value
  throw new RotundaError('invalid_payload', describeIssue(result.issues))
}
