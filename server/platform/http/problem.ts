/** A field of the request and what is wrong with it, in plain words: `{ field: 'quantity', reason: 'must be at least 10' }`. */
export interface FieldError {
  field: string
  reason: string
}

/** What a problem tells its caller. */
export interface ProblemFields {
  /** A word for programs: `insufficient_funds`. */
  code: string
  /** The HTTP status. */
  status: number
  /** The same sentence for every occurrence. */
  title: string
  /** The URI of a type that others have defined; `urn:saldo:problem:<code>` without it. */
  type?: string
  /** What is special about this one. */
  detail?: string
  /** The field of the request that it is about. */
  field?: string
  /** More fields, where several are wrong. */
  errors?: readonly FieldError[]
  /** Further members for programs, such as `{ min: '10' }`. Names of RFC 9457 are not taken from here. */
  extra?: Readonly<Record<string, unknown>>
  /** Headers of the answer, such as Retry-After. */
  headers?: Readonly<Record<string, string>>
}

/** The URI of our own problem types. */
export function problemType(code: string): string {
  return `urn:saldo:problem:${code}`
}

/**
 * A failure that a caller may meet, rendered as RFC 9457 wherever it is thrown. Its texts are for the caller to read; a cause is for the log alone.
 * One that has a `retry_after_s` is answered with Retry-After.
 */
export abstract class ProblemError extends Error {
  override name = 'ProblemError'
  readonly code: string
  readonly status: number
  readonly title: string
  readonly type: string
  readonly detail: string | undefined
  readonly field: string | undefined
  readonly errors: readonly FieldError[]
  readonly extra: Readonly<Record<string, unknown>>
  readonly headers: Readonly<Record<string, string>>

  constructor(fields: ProblemFields, cause?: unknown) {
    super(fields.detail ?? fields.title, { cause })
    this.code = fields.code
    this.status = fields.status
    this.title = fields.title
    this.type = fields.type ?? problemType(fields.code)
    this.detail = fields.detail
    this.field = fields.field
    this.errors =
      fields.errors ?? (fields.field ? [{ field: fields.field, reason: fields.detail ?? fields.title }] : [])
    this.extra = fields.extra ?? {}
    this.headers = fields.headers ?? {}
  }
}

/** The request does not have the form that its route takes. */
export class InvalidRequestError extends ProblemError {
  override name = 'InvalidRequestError'

  constructor(errors: readonly FieldError[]) {
    const [first] = errors
    const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : ''
    super({
      code: 'invalid_request',
      status: 400,
      title: 'The request is not valid',
      ...(first && { detail: `${first.field} ${first.reason}${more}` }),
      errors,
    })
  }
}

/** No route, or nothing that the caller may know of, is at this address. */
export class NotFoundError extends ProblemError {
  override name = 'NotFoundError'

  constructor(detail?: string) {
    super({ code: 'not_found', status: 404, title: 'There is nothing at this address', ...(detail && { detail }) })
  }
}

/** The address is right, the method is not. */
export class MethodNotAllowedError extends ProblemError {
  override name = 'MethodNotAllowedError'

  constructor(allowed: readonly string[]) {
    super({
      code: 'method_not_allowed',
      status: 405,
      title: 'The method is not allowed at this address',
      detail: `Allowed: ${allowed.join(', ')}.`,
      headers: { allow: allowed.join(', ') },
    })
  }
}

/** The request was not begun, because the process stops or has too much to do; it may be sent again. */
export class UnavailableError extends ProblemError {
  override name = 'UnavailableError'

  constructor(detail: string) {
    super({
      code: 'unavailable',
      status: 503,
      title: 'The service is not available at the moment',
      detail,
      headers: { 'retry-after': '1' },
    })
  }
}
