/** Whose requests are counted: a network, or the id of a key or a user. */
export type Subject = string | bigint

/** How many of a subject's requests have come in its present window, the one just counted among them. */
export interface Count {
  count: number
  /** When the window ends, by `clock.monotonic_ms()`. */
  readonly ends_ms: number
}

/** Counts requests by subject, such as a key's id, in windows that begin with a subject's first request. */
export interface Counter {
  /** Counts one more. At once where it is counted in this process, so that a request need not wait for its own count. */
  take(subject: Subject, max: number, window_seconds: number): Count | Promise<Count>
}
