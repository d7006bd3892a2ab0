import { ProblemError } from '#server/platform/http/problem.ts'

/** What asks for a captcha. */
export type CaptchaAction = 'register' | 'reset' | 'sign_in'

/** The captcha is missing, was solved for something else, was used before or is too old: it has to be solved (again). */
export class CaptchaRequiredError extends ProblemError {
  override name = 'CaptchaRequiredError'
  constructor(site_key: string, action: CaptchaAction) {
    super({
      code: 'captcha_required',
      status: 403,
      title: 'Solve the captcha and send its token',
      field: 'captcha',
      extra: { captcha: { provider: 'turnstile', site_key, action } },
    })
  }
}

/** The captcha's provider does not answer, and what was asked for can wait. */
export class CaptchaUnavailableError extends ProblemError {
  override name = 'CaptchaUnavailableError'
  readonly retry_after_s = 60
  constructor(cause?: unknown) {
    super(
      {
        code: 'captcha_unavailable',
        status: 503,
        title: 'The captcha cannot be checked at the moment',
        detail: 'Try again in a minute.',
      },
      cause,
    )
  }
}
