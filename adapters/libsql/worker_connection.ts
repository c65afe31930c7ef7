import { RotundaError } from '../../src/protocol/mod.ts'
import type { Role } from './client_connection.ts'
import type { Committed, Connection, PageText, RoomRow } from './connection.ts'
import type { LibsqlSettings } from './options.ts'
import type { Command, Reply, Request } from './worker_protocol.ts'

/** Starts the thread; replaced by tests that need one which misbehaves. */
export type StartWorker = () => Worker

const startWorker: StartWorker = () => new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' })

interface Pending {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: RotundaError) => void
}

// Bun only: a worker that does not keep the process alive.
interface Holdable {
  ref?(): void
  unref?(): void
}

/** Opens a file in a worker, so that commits and reads leave this thread's event loop alone. */
export async function openWorkerConnection(
  settings: LibsqlSettings,
  role: Role,
  start: StartWorker = startWorker,
): Promise<WorkerConnection> {
  const thread = new WorkerConnection(spawn(start))
  try {
    thread.epoch = await thread.call<string>({ do: 'open', settings, role })
  } catch (error) {
    thread.stop('The storage worker could not open the database.')
    throw error
  }
  return thread
}

function spawn(start: StartWorker): Worker {
  try {
    return start()
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new RotundaError('store_unavailable', `The storage worker cannot be started: ${reason}`, { cause: error })
  }
}

/** A connection in another thread. When the thread dies, calls under way and later ones reject. */
export class WorkerConnection implements Connection {
  epoch = ''
  #worker: Worker & Holdable
  #calls = 0
  #pending = new Map<number, Pending>()
  #stopped: string | undefined

  constructor(worker: Worker) {
    this.#worker = worker
    this.#worker.unref?.()
    this.#worker.onmessage = (event: MessageEvent<Reply>) => this.#settle(event.data)
    this.#worker.onmessageerror = () => this.stop('The storage worker sent what cannot be read.')
    this.#worker.onerror = (event) => {
      // Deno ends the process for an error nobody takes.
      event.preventDefault()
      this.stop(`The storage worker failed: ${event.message || 'no reason given'}.`)
    }
    this.#worker.addEventListener('close', () => this.stop('The storage worker ended.'))
  }

  /** Whether the thread is gone; calls then reject. */
  get stopped(): boolean {
    return this.#stopped !== undefined
  }

  /** Asks the thread; what is in `transfer` is handed over to it and gone here. */
  call<T>(command: Command, transfer: ArrayBuffer[] = []): Promise<T> {
    if (this.#stopped !== undefined) return Promise.reject(new RotundaError('store_unavailable', this.#stopped))
    return new Promise<T>((resolve, reject) => {
      const request: Request = { call: ++this.#calls, command }
      if (this.#pending.size === 0) this.#worker.ref?.()
      this.#pending.set(request.call, { resolve: resolve as Pending['resolve'], reject })
      this.#worker.postMessage(request, transfer)
    })
  }

  commit(batch: Parameters<Connection['commit']>[0]): Promise<Committed> {
    return this.call({ do: 'commit', batch }, batch.parts.flatMap(({ bytes }) => bytes === null ? [] : [bytes.buffer]))
  }

  page(query: Parameters<Connection['page']>[0]): Promise<PageText | null> {
    return this.call({ do: 'page', query })
  }

  extent(room: string): Promise<readonly [number, number]> {
    return this.call({ do: 'extent', room })
  }

  rooms(query: Parameters<Connection['rooms']>[0]): Promise<readonly RoomRow[]> {
    return this.call({ do: 'rooms', query })
  }

  seqBefore(room: string, ts: number, limit: number): Promise<number> {
    return this.call({ do: 'seqBefore', room, ts, limit })
  }

  trim(cuts: Parameters<Connection['trim']>[0]): Promise<readonly number[]> {
    return this.call({ do: 'trim', cuts })
  }

  async close(): Promise<void> {
    if (this.stopped) return
    try {
      await this.call({ do: 'close' })
    } finally {
      this.stop('The store is closed.')
    }
  }

  /** Ends the thread and rejects every call under way. */
  stop(reason: string): void {
    if (this.#stopped !== undefined) return
    this.#stopped = reason
    this.#worker.terminate()
    for (const { reject } of this.#pending.values()) reject(new RotundaError('store_unavailable', reason))
    this.#pending.clear()
  }

  #settle(reply: Reply): void {
    const waiting = this.#pending.get(reply.call)
    if (waiting === undefined) return
    this.#pending.delete(reply.call)
    if (this.#pending.size === 0) this.#worker.unref?.()
    if ('error' in reply) waiting.reject(new RotundaError(reply.error.code, reply.error.message))
    else waiting.resolve(reply.value)
  }
}
