import { RotundaError } from '../protocol/errors.ts'
import { checkRoomName, quote } from '../protocol/names.ts'

/** Whether a room fits a pattern: its very name, or with a `*` at the end any name that begins so. */
export function matches(pattern: string, room: string): boolean {
  return pattern.endsWith('*') ? room.startsWith(pattern.slice(0, -1)) : room === pattern
}

/** @throws {RotundaError} `invalid_config` for what is no pattern of rooms. */
export function checkPattern(pattern: unknown, name: string): string {
  try {
    const checked = checkRoomName(pattern)
    if (!checked.slice(0, -1).includes('*')) return checked
  } catch {
    // Said below, for both.
  }
  throw new RotundaError('invalid_config', `${name} is ${quote(pattern)}; it must be a room, or a beginning and "*".`)
}
