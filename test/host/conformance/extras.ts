import type { HostName, RoomServerOptions } from '../../support/spawn_server.ts'

/** A server with what most have not; several rows share it. */
export function withExtras(host: HostName): RoomServerOptions {
  return {
    host,
    events: true,
    metrics: true,
    overrides: true,
    retention: [{ rooms: 'short-*', maxMessages: 3 }],
    quotas: [
      { metric: 'messages', window: 60, limit: 2, types: ['file.chunk'] },
      { metric: 'messages', window: 60, limit: 2, types: ['call.offer'], action: 'terminate' },
    ],
  }
}
