import { ProblemError } from '#server/platform/http/problem.ts'

/** More rows than one answer has. */
export class UsageTooLongError extends ProblemError {
  override name = 'UsageTooLongError'
  constructor(rows_max: number) {
    super({
      code: 'usage_too_long',
      status: 422,
      title: 'There is more than one answer holds',
      detail: `More than ${rows_max} rows. Ask for fewer days, for one key by \`key_id\`, or for the file.`,
      field: 'from',
      extra: { rows_max },
    })
  }
}
