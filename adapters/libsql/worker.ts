import { asRotundaError, RotundaError } from '../../src/protocol/mod.ts'
import type { Connection } from './connection.ts'
import { openFileConnection } from './file_connection.ts'
import type { Command, Reply, Request } from './worker_protocol.ts'

const scope = globalThis as unknown as {
  onmessage: ((event: MessageEvent<Request>) => void) | null
  postMessage(reply: Reply): void
}

let connection: Connection | undefined

async function run(command: Command): Promise<unknown> {
  if (command.do === 'open') {
    connection = await openFileConnection(command.settings, command.role)
    return connection.epoch
  }
  if (connection === undefined) throw new RotundaError('store_unavailable', 'The database is not open.')
  switch (command.do) {
    case 'commit':
      return connection.commit(command.batch)
    case 'page':
      return connection.page(command.query)
    case 'extent':
      return connection.extent(command.room)
    case 'trim':
      return connection.trim(command.room, command.through)
    case 'close':
      return connection.close()
  }
}

scope.onmessage = async ({ data: { call, command } }) => {
  try {
    scope.postMessage({ call, value: await run(command) })
  } catch (error) {
    const { code, message } = asRotundaError(error)
    scope.postMessage({ call, error: { code, message } })
  }
}
