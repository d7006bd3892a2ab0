import { ProblemError } from '#server/platform/http/problem.ts'

/** A search of the audit took too long. */
export class SearchTooWideError extends ProblemError {
  override name = 'SearchTooWideError'

  constructor() {
    super({
      code: 'search_too_wide',
      status: 422,
      title: 'The search takes too long',
      detail: 'Narrow it by a time, a person or a thing.',
    })
  }
}
