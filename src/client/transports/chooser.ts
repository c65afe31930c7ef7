import type { Clock } from '../clock.ts'
import type { ProbedSocket } from './probe.ts'
import type { Transport, TransportSocket } from './transport.ts'

/** A connection that broke sooner after it had opened was no good, in milliseconds. */
const STABLE = 10_000

/** How to choose. Times in milliseconds. */
export interface Choice {
  readonly transports: readonly Transport[]
  readonly clock: Clock
  /** How long a transport may take until the welcome while there is another. */
  readonly patience: number
  /** How long a silence means that it is dead. */
  readonly silence: number
  /** A socket has its welcome. */
  opened(index: number): void
  /** A socket that had its welcome is over. */
  ended(): void
}

/** The socket of an attempt, whatever carries it. */
export type ChosenSocket = EventTarget & TransportSocket

/** @param ready A socket of the first transport that is open already. */
type Choose = (url: string, protocols: string[], ready?: ProbedSocket) => ChosenSocket

/**
 * Gives what makes one attempt to connect, over the first transport that can: to a client its socket is a WebSocket.
 * What has never worked is left at the first failure, what has at the second in a row.
 */
export function chooser({ transports, clock, patience, silence, opened, ended }: Choice): Choose {
  /** Failures in a row of each. */
  const strikes: number[] = []
  const worked: boolean[] = []
  let best = 0
  const after = (index: number) => (index + 1) % transports.length

  /** Counts a failure, and says whether to go on to the next. */
  const failed = (index: number) => (strikes[index] = (strikes[index] ?? 0) + 1) > Number(worked[index] ?? 0)

  return (url, protocols, ready) => {
    if (ready) {
      best = 0
      // One more failure, and it is left again.
      strikes[0] = 1
    }
    const first = best
    let current: TransportSocket
    let index = first
    let openedAt = 0
    let heardAt = 0
    let isOver = false
    let cancel = () => {}

    const over = () => {
      isOver = true
      cancel()
      if (openedAt) ended()
      facade.dispatchEvent(new Event('close'))
    }
    const listen = (socket: TransportSocket) => {
      const isMine = () => !isOver && current === socket
      const lost = (code: number, reason: string) => {
        if (!isMine()) return
        cancel()
        if (openedAt) {
          // Deno says 0 of a connection that broke.
          if (code === 1006 || !code) {
            if (clock.now() - openedAt >= STABLE) strikes[index] = 0
            else if (failed(index)) best = after(index)
          }
        } else if (failed(index)) {
          if (after(index) !== first) return attempt(after(index))
          // None of them can connect, so it is the fault of none.
          strikes.length = 0
        }
        over()
        facade.onclose?.({ code, reason })
      }
      current = socket
      socket.binaryType = 'arraybuffer'
      socket.onclose = ({ code, reason }) => lost(code, reason)
      socket.onerror = () => openedAt || lost(1006, '')
      socket.onmessage = (event) => {
        if (!isMine()) return
        heardAt = clock.now()
        if (!openedAt) {
          cancel()
          openedAt = heardAt
          best = index
          worked[index] = true
          opened(index)
        }
        facade.onmessage?.(event)
      }
      return lost
    }
    const attempt = (which: number) => {
      index = which
      const socket = transports[index]!.open(url, protocols)
      const lost = listen(socket)
      if (after(index) !== first) {
        cancel = clock.after(patience, () => {
          lost(1006, '')
          socket.close()
        })
      }
    }
    const facade = Object.defineProperties(new EventTarget(), {
      protocol: { get: () => current.protocol },
      bufferedAmount: { get: () => current.bufferedAmount },
    }) as ChosenSocket
    facade.send = (frame) => current.send(frame)
    facade.close = (code, reason) => {
      if (isOver) return
      if (openedAt && clock.now() - heardAt >= silence && failed(index)) best = after(index)
      over()
      current.close(code, reason)
    }
    if (ready) {
      listen(ready.socket)
      queueMicrotask(() => {
        for (const data of ready.frames) current.onmessage!({ data })
        if (ready.isClosed) current.onclose!({ code: 1006, reason: '' })
      })
    } else attempt(first)
    return facade
  }
}
