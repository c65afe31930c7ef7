/** Holds a lock for as long as this page lives; false when another one has it. */
export function holdLock(name: string): Promise<boolean> {
  // Pages without TLS have no locks: there two tabs may send the same, which their keys make one message.
  const locks = globalThis.navigator?.locks
  if (!locks) return Promise.resolve(true)
  return new Promise((resolve, reject) => {
    locks.request(name, { ifAvailable: true }, (lock) => {
      resolve(lock !== null)
      return lock && new Promise(() => {})
    }).catch(reject)
  })
}
