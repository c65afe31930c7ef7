import type { Contract } from '../protocol/contract.ts'
import type { Client } from './client.ts'
import type { RequestOptions } from './outbox.ts'

/**
 * Asks what the server answers with `hub.onOpcode`, in whatever codec the client speaks.
 *
 * @param opcode 200 to 65,535.
 * @returns What the handler answers; no bytes where it answers nothing.
 * @throws {RotundaError} As rejection: `unknown_type` where the server has no handler for it, or what a request may be
 * rejected with.
 * @example
 * ```ts
 * const reversed = await callOpcode(client, 200, new Uint8Array([1, 2, 3]))
 * ```
 */
export function callOpcode<C extends Contract>(
  client: Client<C>,
  opcode: number,
  body: Uint8Array,
  options?: RequestOptions,
): Promise<Uint8Array> {
  return client.calls.call({ type: `opcode.${opcode}`, payload: body }, options) as Promise<Uint8Array>
}
