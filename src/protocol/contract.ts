import { RotundaError } from './rotunda_error.ts'
import { isTypeName, MAX_TYPE_NAME, quote } from './names.ts'
import { isReservedType } from './reserved.ts'
import type { InputOf, OutputOf, StandardSchema } from './standard_schema.ts'

/** An event of the contract: something published, durable (stored and ordered) unless said otherwise. */
export interface EventDefinition<S extends StandardSchema = StandardSchema, Durable extends boolean = boolean> {
  readonly kind: 'event'
  readonly schema: S
  readonly durable: Durable
}

/** A request of the contract, answered by the server's handler. */
export interface RpcDefinition<
  Request extends StandardSchema = StandardSchema,
  Response extends StandardSchema = StandardSchema,
> {
  readonly kind: 'rpc'
  readonly request: Request
  readonly response: Response
}

/** Event and request definitions by name. */
export type Contract = Readonly<Record<string, EventDefinition | RpcDefinition>>

/** A checked contract, shared by server and client. */
export interface Protocol<C extends Contract = Contract> {
  readonly definitions: C
}

/** The names of a contract's events. */
export type EventName<C extends Contract> = Extract<
  { [K in keyof C]: C[K] extends EventDefinition ? K : never }[keyof C],
  string
>
/** The names of a contract's durable events. */
export type DurableEventName<C extends Contract> = Extract<
  { [K in keyof C]: C[K] extends EventDefinition<StandardSchema, true> ? K : never }[keyof C],
  string
>
/** The names of a contract's requests. */
export type RpcName<C extends Contract> = Extract<
  { [K in keyof C]: C[K] extends RpcDefinition ? K : never }[keyof C],
  string
>
/** What may be published under an event's name. */
export type EventInput<C extends Contract, K extends keyof C> = C[K] extends EventDefinition<infer S> ? InputOf<S>
  : never
/** What handlers of an event receive. */
export type EventOutput<C extends Contract, K extends keyof C> = C[K] extends EventDefinition<infer S> ? OutputOf<S>
  : never
/** What a caller of a request gives. */
export type RpcInput<C extends Contract, K extends keyof C> = C[K] extends RpcDefinition<infer Q, infer _> ? InputOf<Q>
  : never
/** What a request's handler receives. */
export type RpcRequest<C extends Contract, K extends keyof C> = C[K] extends RpcDefinition<infer Q, infer _>
  ? OutputOf<Q>
  : never
/** What a request's handler may return. */
export type RpcReply<C extends Contract, K extends keyof C> = C[K] extends RpcDefinition<infer _, infer R> ? InputOf<R>
  : never
/** What a caller of a request receives. */
export type RpcOutput<C extends Contract, K extends keyof C> = C[K] extends RpcDefinition<infer _, infer R>
  ? OutputOf<R>
  : never

/**
 * Declares an event with its payload's schema.
 *
 * Durable by default: stored, ordered, replayed. `{ durable: false }` makes it ephemeral: never stored, delivered at
 * most once to who is in the room. A schema that transforms must accept its own output, since both sides check.
 *
 * @example
 * ```ts
 * event(z.object({ user: z.string() }), { durable: false })
 * ```
 */
export function event<S extends StandardSchema>(schema: S): EventDefinition<S, true>
export function event<S extends StandardSchema, const D extends boolean = true>(
  schema: S,
  options: { durable?: D },
): EventDefinition<S, D>
export function event(schema: StandardSchema, options: { durable?: boolean } = {}): EventDefinition {
  return { kind: 'event', schema: checkSchema(schema), durable: options.durable ?? true }
}

/**
 * Declares a request by the schemas of what is asked and what is answered.
 *
 * @example
 * ```ts
 * rpc(z.object({}), z.object({ members: z.number() }))
 * ```
 */
export function rpc<Q extends StandardSchema, R extends StandardSchema>(request: Q, response: R): RpcDefinition<Q, R> {
  return { kind: 'rpc', request: checkSchema(request), response: checkSchema(response) }
}

/**
 * Makes a contract of event and request definitions. Share the result between server and client.
 *
 * @throws {RotundaError} `invalid_config` when a name is reserved, malformed, or its definition is not one.
 * @example
 * ```ts
 * export const chat = defineProtocol({
 *   'chat.message': event(z.object({ user: z.string(), text: z.string().max(4096) })),
 *   'chat.typing': event(z.object({ user: z.string() }), { durable: false }),
 *   'chat.stats': rpc(z.object({}), z.object({ members: z.number() })),
 * })
 * ```
 */
export function defineProtocol<const C extends Contract>(definitions: C): Protocol<C> {
  for (const [name, definition] of Object.entries(definitions)) {
    if (isReservedType(name)) {
      throw new RotundaError('invalid_config', `Event ${quote(name)} is reserved by rotunda: choose another name.`)
    }
    if (!isTypeName(name)) {
      throw new RotundaError(
        'invalid_config',
        `Event ${
          quote(name)
        } must start with a letter and have only letters, digits and _ . : - (at most ${MAX_TYPE_NAME}).`,
      )
    }
    if (definition?.kind !== 'event' && definition?.kind !== 'rpc') {
      throw new RotundaError('invalid_config', `Event ${quote(name)} must be declared with event(…) or rpc(…).`)
    }
  }
  return { definitions }
}

function checkSchema<S extends StandardSchema>(schema: S): S {
  if (typeof schema?.['~standard']?.validate !== 'function') {
    throw new RotundaError('invalid_config', 'A schema must implement Standard Schema v1, as those of zod 4 do.')
  }
  return schema
}
