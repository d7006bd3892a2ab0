import { ProblemError } from '#server/platform/http/problem.ts'

/** The days end before they begin, or are too many. */
export class DaysRefusedError extends ProblemError {
  override name = 'DaysRefusedError'
  constructor(days_max: number) {
    super({
      code: 'days_refused',
      status: 422,
      title: 'These days cannot be summed',
      detail: `\`to\` is not before \`from\`, and both together name no more than ${days_max} days.`,
      field: 'to',
      extra: { days_max },
    })
  }
}

/** The payment was booked with another amount, or is beyond what an account holds. */
export class TopupRefusedError extends ProblemError {
  override name = 'TopupRefusedError'
  constructor(refusal: 'key_reused' | 'amount_out_of_range') {
    super(
      refusal === 'key_reused'
        ? {
            code: 'topup_reference_used',
            status: 409,
            title: 'Another amount was booked under this reference',
            field: 'reference',
          }
        : { code: 'amount_out_of_range', status: 422, title: 'The account cannot hold so much', field: 'amount' },
    )
  }
}
