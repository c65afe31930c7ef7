/**
 * A call's promise for its caller. Where nobody looks at it, its failure is an unhandled rejection as it should be, but
 * not with `closed` or `aborted`, which are the caller's own doing.
 */
export function forCaller<T>(work: Promise<T>): Promise<T> {
  // Called before the promise below is rejected, so in time.
  work.catch(({ code }) => {
    if (/closed|aborted/.test(code)) promise.catch(() => {})
  })
  const promise = work.then()
  return promise as Promise<T>
}
