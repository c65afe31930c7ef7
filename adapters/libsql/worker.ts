import { asRotundaError, RotundaError } from '../../src/protocol/mod.ts'
import type { Connection } from './connection.ts'
import { openFileConnection } from './file_connection.ts'
import type { Command, Reply, Request } from './worker_protocol.ts'

const scope = globalThis as unknown as {
  onmessage: ((event: MessageEvent<Request>) => void) | null
  postMessage(reply: Reply, transfer: readonly ArrayBuffer[]): void
}

let connection: Connection | undefined

/** `transfer` is given what need not be copied on its way back. */
async function run(command: Command, transfer: ArrayBuffer[]): Promise<unknown> {
  if (command.do === 'open') {
    connection = await openFileConnection(command.settings, command.role)
    return connection.epoch
  }
  if (connection === undefined) throw new RotundaError('store_unavailable', 'The database is not open.')
  switch (command.do) {
    case 'commit':
      return connection.commit(command.batch)
    case 'page': {
      const page = await connection.page(command.query)
      if (page !== null && page.bytes !== null) transfer.push(page.bytes)
      return page
    }
    case 'extent':
      return connection.extent(command.room)
    case 'rooms':
      return connection.rooms(command.query)
    case 'seqBefore':
      return connection.seqBefore(command.room, command.ts, command.limit)
    case 'trim':
      return connection.trim(command.cuts)
    case 'close':
      return connection.close()
  }
}

scope.onmessage = async ({ data: { call, command } }) => {
  const transfer: ArrayBuffer[] = []
  try {
    scope.postMessage({ call, value: await run(command, transfer) }, transfer)
  } catch (error) {
    const { code, message } = asRotundaError(error)
    scope.postMessage({ call, error: { code, message } }, [])
  }
}
