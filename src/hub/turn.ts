/**
 * Resolves when all that the event loop has at hand was handed over. A microtask would be too early: servers run those
 * after each frame. A timer would be too late, by a millisecond.
 */
export function endOfTurn(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      port1.close()
      resolve()
    }
    port2.postMessage(null)
  })
}
