/**
 * The numbers of rotunda's own types in binary frames. An application's events and requests all are `publish`, told
 * apart by their type; 200 and above are the application's own.
 */
export const OPCODES = {
  whoAmI: 1,
  ping: 2,
  pong: 3,
  subscribe: 4,
  unsubscribe: 5,
  publish: 6,
  send: 7,
  broadcast: 8,
  history: 9,
  ack: 10,
  error: 11,
  welcome: 12,
  drain: 13,
  joined: 14,
  left: 15,
  gap: 16,
  presence: 20,
  presenceClear: 21,
  presenceWatch: 22,
  presenceUnwatch: 23,
  presenceState: 24,
  presenceJoin: 25,
  presenceLeave: 26,
  presenceUpdate: 27,
  auth: 28,
} as const

/** The name of a built-in opcode. */
export type OpcodeName = keyof typeof OPCODES

/** First opcode that an application may give a meaning to; the last is 65,535. */
export const FIRST_CUSTOM_OPCODE = 200
const LAST_OPCODE = 65_535

const TYPES: Readonly<Record<Exclude<OpcodeName, 'publish' | 'send' | 'broadcast'>, string>> = {
  whoAmI: 'session.whoami',
  ping: 'session.ping',
  pong: 'session.pong',
  subscribe: 'room.join',
  unsubscribe: 'room.leave',
  history: 'room.history',
  ack: 'ack',
  error: 'error',
  welcome: 'session.welcome',
  drain: 'session.drain',
  joined: 'room.joined',
  left: 'room.left',
  gap: 'room.gap',
  presence: 'presence.set',
  presenceClear: 'presence.clear',
  presenceWatch: 'presence.watch',
  presenceUnwatch: 'presence.unwatch',
  presenceState: 'presence.state',
  presenceJoin: 'presence.join',
  presenceLeave: 'presence.leave',
  presenceUpdate: 'presence.update',
  auth: 'session.auth',
}

const typeByOpcode = new Map<number, string>()
const opcodeByType = new Map<string, number>()
for (const [name, type] of Object.entries(TYPES)) {
  const opcode = OPCODES[name as OpcodeName]
  typeByOpcode.set(opcode, type)
  opcodeByType.set(type, opcode)
}

const CUSTOM = /^opcode\.(\d{3,5})$/

/**
 * The type that an opcode stands for: rotunda's own below 200, `opcode.<n>` from there on. Undefined for `publish`,
 * `send` and `broadcast`, whose frames name an application's type, and for opcodes that nobody has given a meaning.
 */
export function typeOf(opcode: number): string | undefined {
  return isCustomOpcode(opcode) ? `opcode.${opcode}` : typeByOpcode.get(opcode)
}

/** The opcode of one of rotunda's types, or of `opcode.<n>`; undefined for an application's type. */
export function opcodeOf(type: string): number | undefined {
  const known = opcodeByType.get(type)
  if (known !== undefined) return known
  const opcode = Number(CUSTOM.exec(type)?.[1])
  return isCustomOpcode(opcode) ? opcode : undefined
}

/** Whether an application may register a handler for it: a whole number from 200 to 65,535. */
export function isCustomOpcode(opcode: number): boolean {
  return Number.isInteger(opcode) && opcode >= FIRST_CUSTOM_OPCODE && opcode <= LAST_OPCODE
}
