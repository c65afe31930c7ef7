const ATTEMPTS = 5

/** Tries again what sqld refuses because another writer has the lock: it has done nothing then. */
export async function whileLocked<T>(write: () => Promise<T>): Promise<T> {
  for (let attempt = 1;; attempt++) {
    try {
      return await write()
    } catch (error) {
      const isLocked = error instanceof Error && 'code' in error && error.code === 'SQLITE_BUSY'
      if (!isLocked || attempt === ATTEMPTS) throw error
      await new Promise((resolve) => setTimeout(resolve, 20 * attempt * (1 + Math.random())))
    }
  }
}
