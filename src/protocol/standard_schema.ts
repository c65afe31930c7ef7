/**
 * The part of Standard Schema v1 that rotunda uses, declared here so that the core depends on no validator.
 * Schemas of zod, valibot, arktype and others have this shape.
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => ValidationResult<Output> | Promise<ValidationResult<Output>>
    readonly types?: { readonly input: Input; readonly output: Output } | undefined
  }
}

/** What a validator answers: the value, or what is wrong with it. */
export type ValidationResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly ValidationIssue[] }

/** One thing wrong with a value, and where. */
export interface ValidationIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** What may be given to a schema. */
export type InputOf<S> = S extends StandardSchema<infer I, infer _> ? I : never
/** What a schema makes of it. */
export type OutputOf<S> = S extends StandardSchema<infer _, infer O> ? O : never

/** Names the first issue and its place, as in `payload.user.name: Expected string`. */
export function describeIssue([issue]: readonly ValidationIssue[]): string {
  const steps = issue?.path?.map((step) => {
    const key = (step as { readonly key?: PropertyKey }).key ?? (step as PropertyKey)
    return typeof key === 'number' ? `[${key}]` : `.${String(key)}`
  })
  return `payload${steps?.join('') ?? ''}: ${issue?.message ?? 'not valid'}`
}
