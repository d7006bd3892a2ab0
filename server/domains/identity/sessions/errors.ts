import { ProblemError } from '#server/platform/http/problem.ts'

/** No such session, ended, or another user's. */
export class SessionNotFoundError extends ProblemError {
  override name = 'SessionNotFoundError'
  constructor() {
    super({ code: 'session_not_found', status: 404, title: 'There is no such session' })
  }
}
