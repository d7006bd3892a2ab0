import { ProblemError } from '#server/platform/http/problem.ts'

export type SourceRefusal = 'source_type_differs' | 'too_many_sources' | 'own_source_stays' | 'last_source_stays'

/** The service cannot be bought like this; nothing was changed. */
export class SourceRefusedError extends ProblemError {
  override name = 'SourceRefusedError'
  constructor(code: SourceRefusal, detail: string) {
    super({ code, status: 409, title: 'The service cannot be bought like this', detail })
  }
}

/** The service is not bought there. */
export class SourceNotFoundError extends ProblemError {
  override name = 'SourceNotFoundError'
  constructor(service_id: bigint, source_id: bigint) {
    const detail = `Service ${source_id} is no source of service ${service_id}.`
    super({ code: 'source_not_found', status: 404, title: 'There is no such source', detail })
  }
}
