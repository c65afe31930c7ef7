/** What a runtime knows of a request beside what is in it. */
export interface Caller {
  readonly address: string
  /** 0 when the runtime does not tell. */
  readonly port: number
  /** Aborted when the client went away before it was answered, where the runtime tells. */
  readonly gone: AbortSignal | undefined
  /** Asks the runtime not to give the answer up, however long it takes. */
  patient(): void
}

/** For a runtime that tells nothing. */
export const UNKNOWN_CALLER: Caller = { address: '', port: 0, gone: undefined, patient: () => {} }
