import type { ErrorCode } from '../../src/protocol/mod.ts'
import type { Role } from './client_connection.ts'
import type { Batch, Cut, PageQuery, RoomsQuery } from './connection.ts'
import type { LibsqlSettings } from './options.ts'

/** What the worker is asked to do. */
export type Command =
  | { readonly do: 'open'; readonly settings: LibsqlSettings; readonly role: Role }
  | { readonly do: 'commit'; readonly batch: Batch }
  | { readonly do: 'page'; readonly query: PageQuery }
  | { readonly do: 'extent'; readonly room: string }
  | { readonly do: 'rooms'; readonly query: RoomsQuery }
  | { readonly do: 'seqBefore'; readonly room: string; readonly ts: number; readonly limit: number }
  | { readonly do: 'trim'; readonly cuts: readonly Cut[] }
  | { readonly do: 'close' }

/** A command and the number its reply will carry. */
export interface Request {
  readonly call: number
  readonly command: Command
}

/** The answer to one request. */
export type Reply =
  | { readonly call: number; readonly value: unknown }
  | { readonly call: number; readonly error: { readonly code: ErrorCode; readonly message: string } }
