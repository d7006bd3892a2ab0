import { RateLimitedError } from '#server/platform/limits/errors.ts'
import type { RatedCaller, RateLimits } from '#server/platform/limits/rate-limits.ts'
import type { KeyUse } from './key-use.ts'

/** The same limits; that a key was refused by them is counted. */
export function countRateLimited(limits: RateLimits, use: KeyUse): RateLimits {
  const refused = (error: unknown, { key_id }: RatedCaller): never => {
    if (key_id !== undefined && error instanceof RateLimitedError) use.of(key_id).rate_limited += 1
    throw error
  }
  return {
    ...limits,
    takeCaller: (rate_class, caller, request, reply) => {
      try {
        const taken = limits.takeCaller(rate_class, caller, request, reply)
        // A promise only where the count is elsewhere: see RateLimits.
        return taken?.catch((error: unknown) => refused(error, caller))
      } catch (error) {
        return refused(error, caller)
      }
    },
  }
}
