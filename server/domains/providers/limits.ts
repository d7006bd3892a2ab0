import { setTimeout as delay } from 'node:timers/promises'
import {
  BrokenCircuitError,
  BulkheadRejectedError,
  bulkhead,
  type CircuitBreakerPolicy,
  ConsecutiveBreaker,
  circuitBreaker,
  handleWhenResult,
} from 'cockatiel'
import type { Clock } from '#server/kit/clock.ts'

/** Callers waiting for a free line to one provider; beyond, a caller is told at once. */
const WAITING_MAX = 1_000

/** So many calls in a row that say that the provider is down open the breaker. One that fails half of its calls does so once in a thousand. */
export const FAILURES_MAX = 10

/** How long an open breaker keeps everyone away before one call tries again. */
const BREAK_MS = 10_000

/** The limits of one provider, in this process. */
export interface LimitsOptions {
  concurrency: number
  rate_per_second: number
  /** Longest wait for a free line and for the rate together. */
  wait_ms_max: number
}

/** How a call ended, and whether that says that the provider is down. */
export interface Ended<T> {
  value: T
  down: boolean
}

/** The call was not made: nothing left this process. */
export class NotCalledError extends Error {
  override name = 'NotCalledError'
  readonly reason: 'breaker_open' | 'busy'

  constructor(reason: NotCalledError['reason']) {
    super(reason === 'breaker_open' ? 'not called: the last calls failed' : 'not called: too many calls are waiting')
    this.reason = reason
  }
}

/** What a call is for: to place an order, to ask for something about one that is placed, to read. */
export type Lane = 'place' | 'ask' | 'read'

/** All share lines and rate, but each lane has a breaker: a panel whose `add` crashes may still answer `status`, and one that knows no `cancel` takes orders. */
export interface Limits {
  /** Runs `call` within the limits. Throws NotCalledError when it was not run; what `call` throws passes through. */
  run<T>(lane: Lane, call: () => Promise<Ended<T>>): Promise<T>
}

/** The limits of one provider: calls at a time, calls started a second, and a breaker for each lane. */
export function openLimits(options: LimitsOptions, clock: Clock): Limits {
  const lines = bulkhead(options.concurrency, WAITING_MAX)
  const rate = new Rate(options.rate_per_second)
  const breakers = { place: newBreaker(), ask: newBreaker(), read: newBreaker() }
  const never = Number.NEGATIVE_INFINITY
  const last_good_ms = { place: never, ask: never, read: never }

  async function inTurn<T>(lane: Lane, came_ms: number, call: () => Promise<Ended<T>>): Promise<T> {
    const now_ms = clock.monotonic_ms()
    const wait_ms = rate.reserve(now_ms, options.wait_ms_max - (now_ms - came_ms))
    if (wait_ms === undefined) throw new NotCalledError('busy')
    if (wait_ms > 0) await delay(wait_ms)
    return (await breakers[lane].execute(() => judge(lane, call))).value
  }

  /** A failure of a call that began before the last good answer is no news: what hangs ends long after what was answered beside it. */
  async function judge<T>(lane: Lane, call: () => Promise<Ended<T>>): Promise<Ended<T>> {
    const began_ms = clock.monotonic_ms()
    const { value, down } = await call()
    if (!down) last_good_ms[lane] = clock.monotonic_ms()
    return { value, down: down && began_ms >= last_good_ms[lane] }
  }

  return {
    run: async (lane, call) => {
      const came_ms = clock.monotonic_ms()
      try {
        return await lines.execute(() => inTurn(lane, came_ms, call))
      } catch (error) {
        if (error instanceof BrokenCircuitError) throw new NotCalledError('breaker_open')
        if (error instanceof BulkheadRejectedError) throw new NotCalledError('busy')
        throw error
      }
    },
  }
}

function newBreaker(): CircuitBreakerPolicy {
  return circuitBreaker(
    handleWhenResult((ended) => (ended as Ended<unknown>).down),
    { halfOpenAfter: BREAK_MS, breaker: new ConsecutiveBreaker(FAILURES_MAX) },
  )
}

/** Starts are spread evenly; a tenth of a second's worth may come at once, for timers are coarse. */
class Rate {
  readonly #spacing_ms: number
  readonly #burst_ms: number
  #next_ms = Number.NEGATIVE_INFINITY

  constructor(rate_per_second: number) {
    this.#spacing_ms = 1000 / rate_per_second
    this.#burst_ms = this.#spacing_ms * Math.max(0, Math.floor(rate_per_second / 10) - 1)
  }

  /** Takes the next free start and answers how long to wait for it; undefined, and nothing taken, when that is beyond `wait_ms_max`. */
  reserve(now_ms: number, wait_ms_max: number): number | undefined {
    const start_ms = Math.max(this.#next_ms, now_ms - this.#burst_ms)
    const wait_ms = Math.max(0, start_ms - now_ms)
    if (wait_ms > wait_ms_max) return undefined
    this.#next_ms = start_ms + this.#spacing_ms
    return wait_ms
  }
}
