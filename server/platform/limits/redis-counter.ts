import type { Clock } from '#server/kit/clock.ts'
import type { Counter } from './counter.ts'
import type { Limiter, Limiters } from './open-limiters.ts'

/** Counts over all processes. A limit that was changed counts on in the same window, for the name is the same. */
export function redisCounter(clock: Pick<Clock, 'monotonic_ms'>, limiters: Limiters, name: string): Counter {
  let current: { points: number; duration_s: number; limiter: Limiter } | undefined
  return {
    take: async (subject, max, window_seconds) => {
      if (current?.points !== max || current.duration_s !== window_seconds) {
        const window = { points: max, duration_s: window_seconds }
        current = { ...window, limiter: limiters.limiter({ name: `rate:${name}`, ...window }) }
      }
      const { taken, resets_in_ms } = await current.limiter.take(String(subject))
      return { count: taken, ends_ms: clock.monotonic_ms() + resets_in_ms }
    },
  }
}
