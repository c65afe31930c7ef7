/**
 * A call's promise for its caller. Where nobody looks at it, its failure is an unhandled rejection as it should be, but
 * not with `closed` or `aborted`, which are the caller's own doing.
 */
export function forCaller<T>(work: Promise<T>): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  work.then(resolve, (error) => {
    if (error.code === 'closed' || error.code === 'aborted') promise.catch(() => {})
    reject(error)
  })
  return promise
}
