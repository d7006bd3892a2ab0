import { ProblemError } from '../http/problem.ts'

/** More requests than a policy takes; the request was not begun. `policies` are those that are used up. */
export class RateLimitedError extends ProblemError {
  override name = 'RateLimitedError'
  readonly retry_after_s: number

  constructor(policies: readonly string[], retry_after_s: number) {
    super({
      code: 'rate_limited',
      status: 429,
      // Of the draft standard for rate limits, which defines the member beside it.
      type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
      title: 'Too many requests',
      detail: `Nothing was done. Try again in ${retry_after_s} seconds.`,
      extra: { 'violated-policies': policies },
    })
    this.retry_after_s = retry_after_s
  }
}
