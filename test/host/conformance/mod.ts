/** The suite that every host must pass, as a client against a real process. `bun run hosts` prints it as a table. */
import type { HostName } from '../../support/spawn_server.ts'
import { addresses } from './addresses.ts'
import { authentication } from './auth.ts'
import { badInput } from './bad_input.ts'
import { binaryFrames } from './binary.ts'
import { bytePayloads } from './bytes.ts'
import { brokenFrames, oversize } from './broken_frames.ts'
import { closing, earlyCloses } from './closing.ts'
import { compression } from './compression.ts'
import { directMessages } from './direct.ts'
import { encryptedRooms } from './encrypted.ts'
import { errors } from './errors.ts'
import { longPolls } from './fallback_poll.ts'
import { eventStreams } from './fallback_sse.ts'
import { floods } from './flood.ts'
import { frames, identity, pings } from './frames.ts'
import { handshakes, subprotocols } from './handshake.ts'
import { httpEndpoints } from './http.ts'
import { order } from './order.ts'
import { origins } from './origins.ts'
import { overrides } from './overrides.ts'
import { quotas } from './quotas.ts'
import { rawServices } from './raw.ts'
import { rawEnds } from './raw_ends.ts'
import { connectionLimit, silence } from './silence.ts'
import { policies } from './policies.ts'
import { presence } from './presence.ts'
import { clientRequests } from './requests.ts'
import { beginWaiting } from './rows.ts'
import { retention } from './retention.ts'
import { slowConsumers } from './slow.ts'
import { starts } from './start.ts'
import { transports } from './transports.ts'
import { typeCounts } from './counts.ts'

/** Those with tests that wait are last, so that the others have passed the time by then. */
const PARTS: readonly ((host: HostName) => void)[] = [
  handshakes,
  subprotocols,
  frames,
  identity,
  pings,
  order,
  oversize,
  brokenFrames,
  badInput,
  encryptedRooms,
  errors,
  connectionLimit,
  addresses,
  origins,
  httpEndpoints,
  starts,
  compression,
  policies,
  clientRequests,
  directMessages,
  bytePayloads,
  binaryFrames,
  presence,
  rawServices,
  transports,
  retention,
  quotas,
  typeCounts,
  overrides,
  closing,
  earlyCloses,
  authentication,
  rawEnds,
  slowConsumers,
  floods,
  eventStreams,
  silence,
  longPolls,
]

/** Registers the tests (`node:test`) of one host; runs under `bun test` and `deno test`. */
export function hostConformance(host: HostName): void {
  beginWaiting()
  for (const part of PARTS) part(host)
}
