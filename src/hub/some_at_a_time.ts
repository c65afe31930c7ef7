/** Sessions whose permissions are asked for again at the same time. */
export const SESSIONS_AT_A_TIME = 64
/** Rooms of one of them. */
export const ROOMS_AT_A_TIME = 16

/**
 * Does the work for each of many, so many at a time: an application that asks its database about each would else be asked
 * about all of them at once.
 */
export async function someAtATime<T>(
  all: readonly T[],
  most: number,
  work: (one: T) => void | Promise<void>,
): Promise<void> {
  const rest = all.values()
  const lane = async () => {
    for (const one of rest) {
      const working = work(one)
      if (working !== undefined) await working
    }
  }
  await Promise.all(Array.from({ length: Math.min(most, all.length) }, lane))
}
