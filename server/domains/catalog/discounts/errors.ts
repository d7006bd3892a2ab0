import { ProblemError } from '#server/platform/http/problem.ts'

/** More discounts than every process keeps in memory. */
export class TooManyDiscountsError extends ProblemError {
  override name = 'TooManyDiscountsError'
  constructor(max: number) {
    super({
      code: 'too_many_discounts',
      status: 409,
      title: 'There are too many discounts',
      detail: `There are ${max} that customers have or may come to have; end some, and wait until those who have them do not any more.`,
    })
  }
}
