/**
 * Resolves when all that the event loop has at hand was handed over. Microtasks cannot tell: servers run them after
 * each frame.
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
