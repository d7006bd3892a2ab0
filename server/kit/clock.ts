/** Where business code reads the time, so that a test can set it. Durations use `monotonic`, in milliseconds. */
export interface Clock {
  now(): Date
  monotonic_ms(): number
}

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => new Date(),
  monotonic_ms: () => performance.now(),
}
