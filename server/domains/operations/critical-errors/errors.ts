import { ProblemError } from '#server/platform/http/problem.ts'

/** No critical error has this number, or it has been forgotten. */
export class CriticalErrorNotFoundError extends ProblemError {
  override name = 'CriticalErrorNotFoundError'

  constructor() {
    super({ code: 'critical_error_not_found', status: 404, title: 'There is no such critical error' })
  }
}
