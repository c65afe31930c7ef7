import type { Limits } from '../hub/limits.ts'

/** Limits for common uses, each a difference to the defaults. */
export const PRESETS = {
  /** The defaults. */
  standard: {},
  /** Many connections and messages on a machine with memory to spare. */
  highPerformance: {
    maxConnections: 200_000,
    maxJournalQueue: 262_144,
    maxJournalBytes: 256 * 1024 * 1024,
    maxCommit: 16_384,
    highWaterMark: 4 * 1024 * 1024,
    hardLimit: 64 * 1024 * 1024,
    pingInterval: 60,
    pongTimeout: 20,
  },
  /** Many people, short messages. */
  chat: { maxMessageSize: 16 * 1024, maxRoomsPerSession: 200, idleTimeout: 1_800 },
  /** Few publishers, large or very many messages, readers that may lag. */
  streaming: {
    maxMessageSize: 1024 * 1024,
    highWaterMark: 8 * 1024 * 1024,
    hardLimit: 64 * 1024 * 1024,
    maxJournalBytes: 256 * 1024 * 1024,
    idleTimeout: 3_600,
  },
} as const satisfies Record<string, Partial<Limits>>

/** The name of a preset. */
export type PresetName = keyof typeof PRESETS
