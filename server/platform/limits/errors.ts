import { ProblemError } from '../http/problem.ts'

/** The type of a problem that the draft standard for rate limits defines, with the member `violated-policies`. */
export const QUOTA_EXCEEDED = 'https://iana.org/assignments/http-problem-types#quota-exceeded'

/** More requests than a policy takes; the request was not begun. `policies` are those that are used up. */
export class RateLimitedError extends ProblemError {
  override name = 'RateLimitedError'
  readonly retry_after_s: number

  constructor(policies: readonly string[], retry_after_s: number) {
    super({
      code: 'rate_limited',
      status: 429,
      type: QUOTA_EXCEEDED,
      title: 'Too many requests',
      detail: `Nothing was done. Try again in ${retry_after_s} seconds.`,
      extra: { 'violated-policies': policies },
    })
    this.retry_after_s = retry_after_s
  }
}
