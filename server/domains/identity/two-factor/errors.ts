import { ProblemError } from '#server/platform/http/problem.ts'

/** A code that is wrong, was used before or is too old; which of these is not told. */
export class CodeRefusedError extends ProblemError {
  override name = 'CodeRefusedError'
  constructor() {
    super({
      code: 'code_refused',
      status: 422,
      title: 'This code is wrong or was used before',
      detail: 'Take the code that the app shows now. A code works once; the next one comes within half a minute.',
      field: 'code',
    })
  }
}

/** The second step of a sign-in came too late, or for none that was begun. */
export class ChallengeNotValidError extends ProblemError {
  override name = 'ChallengeNotValidError'
  constructor() {
    super({
      code: 'challenge_not_valid',
      status: 401,
      title: 'This sign-in is no longer open',
      detail: 'Sign in with the password again.',
      field: 'challenge',
    })
  }
}

/** A second factor is set up already. */
export class TotpEnabledError extends ProblemError {
  override name = 'TotpEnabledError'
  constructor() {
    super({
      code: 'totp_enabled',
      status: 409,
      title: 'A second factor is set up already',
      detail: 'Switch it off first to set up another.',
    })
  }
}

/** No second factor is set up, or its set-up was not begun. */
export class TotpNotEnabledError extends ProblemError {
  override name = 'TotpNotEnabledError'
  constructor() {
    super({ code: 'totp_not_enabled', status: 409, title: 'No second factor is set up' })
  }
}
