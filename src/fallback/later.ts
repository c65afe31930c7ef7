/** Makes an answer of what went wrong. */
export type Refuse = (thrown: unknown) => Response

/**
 * What answers a request that has to wait. Called when all else that the request needed is let go: it must keep of it
 * only what it cannot do without, since ten thousand may wait. Never rejects.
 */
export type Later = (refuse: Refuse) => Promise<Response>

/** Waits at what answers later. Kept apart: a function made in the midst of others would keep what they keep. */
export function waitAt(
  waiting: { answer(gone: AbortSignal | undefined, refuse: Refuse): Promise<Response> },
  gone: AbortSignal | undefined,
): Later {
  return (refuse) => waiting.answer(gone, refuse)
}
