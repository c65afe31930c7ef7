/**
 * Repeats a read until it succeeds, waiting 50 ms, then twice as long each time up to 5 s; gives up when aborted, or when
 * nobody wants it any more.
 */
export async function keepTrying<T>(
  read: () => Promise<T>,
  environment: { readonly signal: AbortSignal; report(error: unknown): void },
  isUnwanted: () => boolean = () => false,
): Promise<T> {
  const { signal } = environment
  for (let wait = 50;; wait = Math.min(wait * 2, 5_000)) {
    try {
      return await read()
    } catch (error) {
      if (signal.aborted || isUnwanted()) throw error
      environment.report(error)
    }
    await pause(wait, signal)
  }
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer)
      reject(signal.reason)
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop)
      resolve()
    }, milliseconds)
    signal.addEventListener('abort', stop, { once: true })
  })
}
