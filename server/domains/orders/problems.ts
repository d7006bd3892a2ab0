import { ProblemError } from '#server/platform/http/problem.ts'
import type { OrderRefusal } from './errors.ts'

/** The order was not taken; `code` says why, `field` where. */
export class OrderRefusedError extends ProblemError {
  override name = 'OrderRefusedError'

  constructor(refusal: OrderRefusal) {
    super({
      code: refusal.code,
      status: refusalStatus(refusal),
      title: 'The order was not taken',
      detail: refusal.message,
      ...(refusal.field && { field: refusal.field }),
      ...(refusal.limit !== undefined && { extra: { limit: String(refusal.limit) } }),
      ...(refusal.allowance && { extra: { ...refusal.allowance } }),
    })
  }
}

/** 402 where money alone is missing, so that a client can tell "pay in and try again" from "ask otherwise", which is 422. */
function refusalStatus(refusal: OrderRefusal): number {
  return refusal.code === 'insufficient_funds' ? 402 : 422
}

/** No such order, or another customer's. */
export class OrderNotFoundError extends ProblemError {
  override name = 'OrderNotFoundError'

  constructor() {
    super({ code: 'order_not_found', status: 404, title: 'There is no such order' })
  }
}

/** More ids in one request than are answered; nothing was read. */
export class TooManyIdsError extends ProblemError {
  override name = 'TooManyIdsError'

  constructor(max: number) {
    super({ code: 'too_many_ids', status: 422, title: `No more than ${max} orders at once`, field: 'orders' })
  }
}

/** A request names its key twice, differently. */
export class TwoKeysError extends ProblemError {
  override name = 'TwoKeysError'

  constructor() {
    super({
      code: 'request_key_ambiguous',
      status: 422,
      title: 'Idempotency-Key and request_id differ',
      detail: 'Send one of them, or the same in both.',
      field: 'request_id',
    })
  }
}
