import type { FrameMessage } from '../../adapters/flatbuffers/mod.ts'
import { anyEnvelope } from '../conformance/envelopes.ts'
import type { Random } from '../conformance/random.ts'

/** A message with any of the fields. What has a default is given, so that it is what a reader says. */
export function anyMessage(random: Random): FrameMessage {
  const { type, ref, from, to, ts, payload, ...rest } = anyEnvelope(random)
  const message = {
    opcode: random.pick([1, 6, 7, 8, 10, 200, 65_535]),
    kind: random.pick(['event', 'reply', 'request'] as const),
    type: random.chance(0.5) ? type : undefined,
    transactionId: ref,
    requiresAck: ref !== undefined && random.chance(0.5),
    timestamp: ts,
    emitter: from,
    receiver: to,
    ...rest,
    // Our writer leaves these out, as an absent body reads as `{}`.
    body: payload === '{}' ? undefined : payload,
  }
  return Object.fromEntries(
    Object.entries(message).filter(([, value]) => value !== undefined),
  ) as unknown as FrameMessage
}
