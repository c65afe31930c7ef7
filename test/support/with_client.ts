import { type Client, type ClientOptions, type ClientState, createClient } from '../../src/client/mod.ts'
import type { Contract } from '../../src/mod.ts'
import { chat } from '../../examples/chat/protocol.ts'
import { type RoomServerOptions, type SpawnedServer, spawnServer } from './spawn_server.ts'

export type ChatContract = typeof chat['definitions']
export type ChatClient = Client<ChatContract>
export type ChatOptions = Partial<Omit<ClientOptions<ChatContract>, 'protocol'>>

/** A real server and what makes clients of it, closed again when the test is over. */
export interface ClientFixture {
  readonly server: SpawnedServer
  readonly url: string
  connect(options?: ChatOptions): ChatClient
}

/** Runs a test with a server of its own. Clients come back fast, so that tests do not wait. */
export async function withClient(
  options: RoomServerOptions,
  test: (fixture: ClientFixture) => Promise<void>,
): Promise<void> {
  const server = await spawnServer(options)
  try {
    await withClientsOf(server, test)
  } finally {
    await server.stop('SIGKILL')
  }
}

/** The same with a server that the test has started and ends. */
export async function withClientsOf(
  server: SpawnedServer,
  test: (fixture: ClientFixture) => Promise<void>,
): Promise<void> {
  const clients: ChatClient[] = []
  const url = `ws://127.0.0.1:${server.port}/ws`
  const connect = (options: ChatOptions = {}) => {
    const client = createClient({ url, protocol: chat, backoff: { base: 50, max: 200 }, ...options })
    clients.push(client)
    return client
  }
  try {
    await test({ server, url, connect })
  } finally {
    for (const client of clients) client.close()
  }
}

/** Resolves with what an `on…` method tells first, or first with a property. */
export function once<Args extends unknown[]>(
  on: (handler: (...args: Args) => void) => () => void,
  fits: (...args: Args) => boolean = () => true,
): Promise<Args> {
  return new Promise((resolve) => {
    const off = on((...args) => {
      if (!fits(...args)) return
      off()
      resolve(args)
    })
  })
}

/** Resolves when a client has the state, at once where it has. */
export async function reached<C extends Contract>(client: Client<C>, state: ClientState): Promise<void> {
  if (client.state !== state) await once((handler: (s: string) => void) => client.onState(handler), (s) => s === state)
}

interface Said {
  readonly seq: number
  readonly payload: { readonly text: string }
}

/** What a room delivers, and a way to wait until there is so much of it. */
export class Transcript {
  readonly seqs: number[] = []
  readonly texts: string[] = []
  readonly #waiting: { readonly count: number; readonly resolve: () => void }[] = []

  constructor(room: { on(type: 'chat.message', handler: (message: Said) => void): () => void }) {
    room.on('chat.message', (message) => {
      this.seqs.push(message.seq)
      this.texts.push(message.payload.text)
      for (const { count, resolve } of this.#waiting) if (this.seqs.length >= count) resolve()
    })
  }

  has(count: number): Promise<void> {
    if (this.seqs.length >= count) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push({ count, resolve }))
  }
}

/** The whole numbers from one to another. */
export function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i)
}

/** A chat message. */
export function says(text: string): { user: string; text: string } {
  return { user: 'Gaspard', text }
}
