import { ProblemError } from '#server/platform/http/problem.ts'
import { DAYS_MAX } from './queries.ts'

/** The days end before they begin, or are too many. */
export class DaysRefusedError extends ProblemError {
  override name = 'DaysRefusedError'
  constructor() {
    super({
      code: 'days_refused',
      status: 422,
      title: 'These days cannot be summed',
      detail: `\`to\` is not before \`from\`, and both together name no more than ${DAYS_MAX} days.`,
      field: 'to',
      extra: { days_max: DAYS_MAX },
    })
  }
}
