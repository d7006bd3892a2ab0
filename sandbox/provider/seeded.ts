/**
 * A number in [0, 1) that depends on its arguments alone, so that a run with the same seed makes the same choices.
 * `stream` keeps choices of different kinds apart, `n` counts within a stream. The mixing is MurmurHash3's finalizer.
 */
export function drawUnit(seed: number, stream: number, n: number): number {
  let hash = seed ^ Math.imul(stream + 1, 0x9e3779b1) ^ Math.imul(n + 1, 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32
}

/** Streams of choices. Faults use their place in the table, from `faults` on. */
export const STREAM = { duration: 0, delivered: 1, start_count: 2, refill: 3, spelling: 4, row: 5, faults: 16 } as const
