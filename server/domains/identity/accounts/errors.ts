import { ProblemError } from '#server/platform/http/problem.ts'

/** Accounts are made by staff alone. */
export class RegistrationClosedError extends ProblemError {
  override name = 'RegistrationClosedError'
  constructor() {
    super({ code: 'registration_closed', status: 403, title: 'Registration is closed at the moment' })
  }
}

/** A signed-in person gave a wrong password where it is asked for again. */
export class WrongPasswordError extends ProblemError {
  override name = 'WrongPasswordError'
  constructor(field: string) {
    super({ code: 'wrong_password', status: 422, title: 'This is not your password', field })
  }
}

/** The address was asked for so often that its mails would only annoy. */
export class TooManyMailsError extends ProblemError {
  override name = 'TooManyMailsError'
  readonly retry_after_s = 3_600
  constructor() {
    super({
      code: 'too_many_mails',
      status: 429,
      title: 'Too many mails were asked for',
      detail: 'Look for those that were sent, also among the unwanted ones. Try again in an hour.',
    })
  }
}

/** There is nothing to confirm. */
export class EmailConfirmedError extends ProblemError {
  override name = 'EmailConfirmedError'
  constructor() {
    super({ code: 'email_confirmed', status: 409, title: 'Your e-mail address is confirmed already' })
  }
}
