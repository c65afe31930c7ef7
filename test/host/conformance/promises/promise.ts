import type { OpenWay } from '../../../support/hosts/ways.ts'
import type { SpawnedServer } from '../../../support/spawn_server.ts'

/** Where a promise is checked: a way to a server, and a room that nobody else uses. */
export interface Scene extends OpenWay {
  readonly server: SpawnedServer
  /** Another way, which never changes. */
  readonly beside: OpenWay
  readonly room: string
  /** Lets a session do what the fixture does on `!` commands. */
  obey(session: string, command: string): Promise<void>
}

/** What holds whatever carries it, as a client sees it. Its name is the test's. */
export type Promised = readonly [name: string, holds: (scene: Scene) => Promise<void>]

export const hi = { user: 'a', text: 'hi' }
