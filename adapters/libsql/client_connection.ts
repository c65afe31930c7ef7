import type { Client } from '@libsql/client/web'
import { RotundaError } from '../../src/protocol/mod.ts'
import { append, type Write } from './append.ts'
import type { Connection } from './connection.ts'
import { migrate, readMeta } from './migrations.ts'
import { prepareReads } from './read.ts'
import { listRooms, seqBefore } from './rooms.ts'
import { trim } from './trim.ts'

/** Whether the connection may create and migrate the database, or expects it ready. */
export type Role = 'writer' | 'reader'

/** Runs one call of a client; says what it was for when it fails. */
export type Run = <T>(what: string, work: () => Promise<T>) => Promise<T>

/** The epoch of a client's database, whose tables are made or brought up to date first where the role allows it. */
export async function openLog(client: Client, role: Role, name: string): Promise<string> {
  return role === 'writer' ? await migrate(client, name) : (await readMeta(client))?.epoch ?? ''
}

/** A connection whose calls `run` carries out. */
export function clientConnection(
  client: Client,
  epoch: string,
  run: Run,
  write?: Write,
): Connection {
  const reads = prepareReads(client)
  return {
    epoch,
    commit: (batch) => run('Appending to', () => append(client, batch, write)),
    page: (query) => run('Reading', () => reads.page(query).catch(nullIfTooBig)),
    extent: (room) => run('Reading', () => reads.extent(room)),
    rooms: (query) => run('Reading', () => listRooms(client, query)),
    seqBefore: (room, ts, limit) => run('Reading', () => seqBefore(client, room, ts, limit)),
    trim: (cuts) => run('Trimming', () => trim(client, cuts)),
    close: () => Promise.resolve(client.close()),
  }
}

/** What a store tells its caller when a call failed. */
export function unavailable(error: unknown, message: string): RotundaError {
  if (error instanceof RotundaError) return error
  return new RotundaError('store_unavailable', message, { cause: error })
}

/** The innermost message: drizzle's own quotes the whole statement and its values. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? reasonOf(error.cause) : error.message
}

function nullIfTooBig(error: unknown): null {
  // Told by SQLite for one text, by sqld for one answer.
  if (/too big|too large|TOO_LARGE|TOOBIG/i.test(reasonOf(error))) return null
  throw error
}
