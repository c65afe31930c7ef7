/** Uses the types of the stores' entries. */
import type { MessageStore } from 'rotunda'
import { type LibsqlOptions, libsqlStore, wsMessages } from 'rotunda/libsql'
import { libsqlStore as remoteStore } from 'rotunda/libsql/web'

const options: LibsqlOptions = { url: 'libsql://chat-me.turso.io', authToken: 'token' }

/** Opened where each belongs. */
export const stores: readonly (() => Promise<MessageStore>)[] = [
  () => libsqlStore(options),
  () => remoteStore(options),
  // @ts-expect-error -- a database has to be named.
  () => libsqlStore({ worker: true }),
]

type Row = typeof wsMessages.$inferSelect
export const sender = (row: Row): string | null => row.sender
export const seq = (row: Row): number => row.seq
export const payload = (row: Row): string | Uint8Array => row.payloadJson
