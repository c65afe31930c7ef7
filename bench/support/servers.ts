import type { BareServerCommands } from '../bare_server.ts'
import type { Scene } from '../row.ts'
import type { Adapter, ServerCommands } from '../server.ts'
import type { Remote, Runtime } from './remote.ts'

/** A kind of server that takes part in a benchmark. */
export interface ServerKind {
  readonly name: string
  readonly isProduct: boolean
  readonly runtime: Runtime
  readonly file: string
  readonly adapter?: Adapter
}

/** rotunda, by what it is served by. */
export const ROTUNDA = {
  bun: { name: 'rotunda', isProduct: true, runtime: 'bun', file: 'server.ts', adapter: 'bun' },
  deno: { name: 'rotunda on Deno', isProduct: true, runtime: 'deno', file: 'server.ts', adapter: 'deno' },
  hono: { name: 'rotunda in Hono', isProduct: true, runtime: 'bun', file: 'server.ts', adapter: 'hono on bun' },
} as const satisfies Record<string, ServerKind>

/** The runtimes' own servers with nothing around them. */
export const BARE = {
  bun: { name: 'bare', isProduct: false, runtime: 'bun', file: 'bare_server.ts' },
  deno: { name: 'bare Deno', isProduct: false, runtime: 'deno', file: 'bare_deno_server.ts' },
} as const satisfies Record<string, ServerKind>

type CommandsOf<K extends ServerKind> = K['isProduct'] extends true ? ServerCommands : BareServerCommands

export function startServer<K extends ServerKind>(scene: Scene, kind: K, url?: string): Remote<CommandsOf<K>> {
  return scene.start<CommandsOf<K>>(kind.file, { adapter: kind.adapter, url }, kind.runtime)
}
