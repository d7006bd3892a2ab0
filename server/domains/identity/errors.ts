import { ProblemError } from '#server/platform/http/problem.ts'

/** No credentials, or none that hold. One answer for all of them: unknown, revoked, expired, ended, malformed. */
export class UnauthenticatedError extends ProblemError {
  override name = 'UnauthenticatedError'
  constructor(detail = 'Sign in, or send an API key.') {
    super({ code: 'unauthenticated', status: 401, title: 'Not signed in', detail })
  }
}

/** An API key that is unknown, revoked, expired or malformed; which of these is not told. */
export class InvalidApiKeyError extends UnauthenticatedError {
  override name = 'InvalidApiKeyError'
  constructor() {
    super('The API key is not valid.')
  }
}

/** A session token that is unknown, expired, ended or malformed. */
export class InvalidSessionError extends UnauthenticatedError {
  override name = 'InvalidSessionError'
  constructor() {
    super('The session has ended. Sign in again.')
  }
}

/** The key is right, the address is not on its list. */
export class AddressNotAllowedError extends ProblemError {
  override name = 'AddressNotAllowedError'
  constructor() {
    super({ code: 'address_not_allowed', status: 403, title: 'This API key may not be used from this address' })
  }
}

/** The key is right, and is suspended. */
export class ApiKeySuspendedError extends ProblemError {
  override name = 'ApiKeySuspendedError'
  constructor() {
    super({
      code: 'api_key_suspended',
      status: 403,
      title: 'This API key is suspended',
      detail: 'Nothing was done. Its owner sees why, signed in, and can rotate or reinstate it.',
    })
  }
}

/** Staff suspended the key, so staff alone reinstate it. */
export class SuspendedByStaffError extends ProblemError {
  override name = 'SuspendedByStaffError'
  constructor() {
    super({
      code: 'suspended_by_staff',
      status: 403,
      title: 'This API key was suspended by the house’s people',
      detail: 'They alone reinstate it. Write to them, or rotate the key.',
    })
  }
}

/** Known, but not entitled. */
export class ForbiddenError extends ProblemError {
  override name = 'ForbiddenError'
  constructor(permission: string) {
    super({ code: 'forbidden', status: 403, title: 'Not allowed', detail: `This needs the permission ${permission}.` })
  }
}

/** The address has to be confirmed first. */
export class EmailNotConfirmedError extends ProblemError {
  override name = 'EmailNotConfirmedError'
  constructor() {
    super({
      code: 'email_not_confirmed',
      status: 403,
      title: 'Confirm your e-mail address first',
      detail:
        'Open the link in the mail that was sent to it, or ask for another by POST /api/v1/profile/confirmation-mails.',
    })
  }
}

/** Staff need a second factor, and this account has none yet. */
export class SecondFactorRequiredError extends ProblemError {
  override name = 'SecondFactorRequiredError'
  constructor() {
    super({
      code: 'second_factor_required',
      status: 403,
      title: 'Set up a second factor first',
      detail: 'Staff need one. Begin by POST /api/v1/two-factor.',
    })
  }
}

/** A request that changes something came with a cookie, but not from our own pages. */
export class ForeignOriginError extends ProblemError {
  override name = 'ForeignOriginError'
  constructor() {
    super({
      code: 'foreign_origin',
      status: 403,
      title: 'The request does not come from this site',
      detail: 'A change by cookie needs the Origin header of this site. Programs send a bearer token instead.',
    })
  }
}

/** Wrong password or unknown address; which of the two is not told. */
export class SignInRefusedError extends ProblemError {
  override name = 'SignInRefusedError'
  constructor() {
    super({ code: 'sign_in_refused', status: 401, title: 'The e-mail address or the password is wrong' })
  }
}

/** The account is blocked. At sign-in it is told only to who knows the password. */
export class AccountBlockedError extends ProblemError {
  override name = 'AccountBlockedError'
  constructor() {
    super({ code: 'account_blocked', status: 403, title: 'This account is blocked' })
  }
}

/** Too many attempts: of one network, for one account, or for one account from networks that are strange to it. */
export class TooManyAttemptsError extends ProblemError {
  override name = 'TooManyAttemptsError'
  readonly retry_after_s: number
  constructor(retry_after_s: number) {
    super({
      code: 'too_many_attempts',
      status: 429,
      title: 'Too many attempts',
      detail: `Try again in ${retry_after_s} seconds.`,
    })
    this.retry_after_s = retry_after_s
  }
}

/** More is waiting than we take; nothing was begun. */
export class BusyError extends ProblemError {
  override name = 'BusyError'
  readonly retry_after_s = 1
  constructor() {
    super({ code: 'busy', status: 503, title: 'Too much at once', detail: 'Try again in a moment.' })
  }
}

/** Another account has this address. */
export class EmailTakenError extends ProblemError {
  override name = 'EmailTakenError'
  constructor() {
    super({ code: 'email_taken', status: 409, title: 'There is an account with this e-mail address', field: 'email' })
  }
}

/** A field does not have the form expected; `detail` says which form. */
export class BadFieldError extends ProblemError {
  override name = 'BadFieldError'
  constructor(field: string, detail: string) {
    super({ code: 'bad_field', status: 422, title: 'A field is not as expected', detail, field })
  }
}

/** No user has this id or address. */
export class UserNotFoundError extends ProblemError {
  override name = 'UserNotFoundError'
  constructor() {
    super({ code: 'user_not_found', status: 404, title: 'There is no such user' })
  }
}

/** There is nothing to be sent again. */
export class NoOpenInvitationError extends ProblemError {
  override name = 'NoOpenInvitationError'
  constructor() {
    super({
      code: 'no_open_invitation',
      status: 409,
      title: 'This user has no open invitation',
      detail: 'The user was not invited, has chosen a password since, or is blocked.',
    })
  }
}

/** No such key, or another owner's. */
export class ApiKeyNotFoundError extends ProblemError {
  override name = 'ApiKeyNotFoundError'
  constructor() {
    super({ code: 'api_key_not_found', status: 404, title: 'There is no such API key' })
  }
}

/** The key has a successor already, which can be rotated in its turn. */
export class ApiKeyRotatedError extends ProblemError {
  override name = 'ApiKeyRotatedError'
  constructor() {
    super({ code: 'api_key_rotated', status: 409, title: 'This API key was rotated already' })
  }
}

/** The account has as many keys as it may have. */
export class TooManyApiKeysError extends ProblemError {
  override name = 'TooManyApiKeysError'
  constructor(max: number) {
    super({
      code: 'too_many_api_keys',
      status: 409,
      title: 'Too many API keys',
      detail: `An account has up to ${max} keys. Revoke one that is no longer used.`,
    })
  }
}

/** A link that is unknown, used, expired or void; which of these is not told. */
export class LinkNotValidError extends ProblemError {
  override name = 'LinkNotValidError'
  constructor() {
    super({
      code: 'link_not_valid',
      status: 410,
      title: 'This link no longer works',
      detail: 'It has been used, has expired, or was replaced by a newer one. Ask for another.',
      field: 'token',
    })
  }
}
