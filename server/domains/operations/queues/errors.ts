import { ProblemError } from '#server/platform/http/problem.ts'
import type { DeadLetter } from '#server/platform/jobs/dead-letters.ts'

/** No letter has this number; settled ones are kept for a quarter. */
export class DeadLetterNotFoundError extends ProblemError {
  override name = 'DeadLetterNotFoundError'
  constructor() {
    super({ code: 'dead_letter_not_found', status: 404, title: 'There is no such dead letter' })
  }
}

/** Somebody has replayed or dropped it before; nothing was done by this attempt. */
export class DeadLetterSettledError extends ProblemError {
  override name = 'DeadLetterSettledError'
  constructor(letter: Pick<DeadLetter, 'state' | 'settled_at' | 'settled_by'>) {
    super({
      code: 'dead_letter_settled',
      status: 409,
      title: 'The dead letter is settled already',
      detail: `It was ${letter.state} at ${letter.settled_at?.toISOString()}.`,
      extra: { state: letter.state, settled_by: letter.settled_by },
    })
  }
}
