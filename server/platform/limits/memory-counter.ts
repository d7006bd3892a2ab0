import type { Clock } from '#server/kit/clock.ts'
import type { Count, Counter, Subject } from './counter.ts'

/** Subjects in memory, twice over. Beyond it those that were silent longest start anew: whoever has so many addresses has more. */
const SUBJECTS_MAX = 200_000

/** A counter that answers at once. */
export interface MemoryCounter extends Counter {
  take(subject: Subject, max: number, window_seconds: number): Count
}

/**
 * Counts in this process. Of our own, because it stands on the way of every request: rate-limiter-flexible's takes three to five times as long, answers by a promise each
 * time, and keeps a timer for each subject. Here a window that is over is found out by looking, and what was not seen for a whole window is let go with its generation.
 */
export function memoryCounter(clock: Pick<Clock, 'monotonic_ms'>, subjects_max = SUBJECTS_MAX): MemoryCounter {
  let young = new Map<Subject, Count>()
  let old = new Map<Subject, Count>()
  let young_until_ms = 0

  function entryOf(subject: Subject, now_ms: number, window_ms: number): Count {
    if (now_ms >= young_until_ms || young.size >= subjects_max) {
      old = young
      young = new Map()
      young_until_ms = now_ms + window_ms
    }
    const known = old.get(subject)
    const entry = known && known.ends_ms > now_ms ? known : { count: 0, ends_ms: now_ms + window_ms }
    young.set(subject, entry)
    return entry
  }

  return {
    take: (subject, _max, window_seconds) => {
      const now_ms = clock.monotonic_ms()
      const known = young.get(subject)
      const entry = known && known.ends_ms > now_ms ? known : entryOf(subject, now_ms, window_seconds * 1_000)
      entry.count += 1
      return entry
    },
  }
}
