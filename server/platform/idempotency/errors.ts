import { ProblemError } from '../http/problem.ts'

/** The Idempotency-Key header is there, and is no key. */
export class IdempotencyKeyInvalidError extends ProblemError {
  override name = 'IdempotencyKeyInvalidError'

  constructor(detail = 'One key of 1 to 255 visible ASCII characters, bare or in double quotes.') {
    super({ code: 'idempotency_key_invalid', status: 400, title: 'The Idempotency-Key is not a key', detail })
  }
}

/** The key stands for a request that asked for something else. */
export class IdempotencyKeyReusedError extends ProblemError {
  override name = 'IdempotencyKeyReusedError'

  constructor() {
    super({
      code: 'idempotency_key_reused',
      status: 422,
      title: 'The Idempotency-Key was used for another request',
      detail: 'A repeated request is the same in its address and its body. Another one needs a key of its own.',
    })
  }
}

/** The first request under the key is still being carried out. */
export class IdempotencyKeyInFlightError extends ProblemError {
  override name = 'IdempotencyKeyInFlightError'
  readonly retry_after_s = 1

  constructor() {
    super({
      code: 'idempotency_key_in_flight',
      status: 409,
      title: 'A request under this Idempotency-Key is under way',
      detail: 'Repeat it in a moment to learn what became of it.',
    })
  }
}

/** The request was carried out, but its answer was sealed under a master key that is not there any more. */
export class AnswerLostError extends ProblemError {
  override name = 'AnswerLostError'

  constructor(cause: unknown) {
    super(
      {
        code: 'idempotency_answer_lost',
        status: 409,
        title: 'This request was carried out before, and its answer cannot be given again',
        detail: 'Look at what there is; nothing was done now.',
      },
      cause,
    )
  }
}
