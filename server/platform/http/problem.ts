/** What a problem tells its caller. */
export interface ProblemFields {
  /** A word for programs: `insufficient_funds`. */
  code: string
  /** The HTTP status. */
  status: number
  /** The same sentence for every occurrence. */
  title: string
  /** What is special about this one. */
  detail?: string
  /** The field of the request that it is about. */
  field?: string
}

/** A failure that a caller may meet, rendered as RFC 9457 wherever it is thrown. Its texts are for the caller to read; a cause is for the log alone. */
export abstract class ProblemError extends Error {
  override name = 'ProblemError'
  readonly code: string
  readonly status: number
  readonly title: string
  readonly detail: string | undefined
  readonly field: string | undefined

  constructor(fields: ProblemFields, cause?: unknown) {
    super(fields.detail ?? fields.title, { cause })
    this.code = fields.code
    this.status = fields.status
    this.title = fields.title
    this.detail = fields.detail
    this.field = fields.field
  }
}
