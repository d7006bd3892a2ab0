import { ProblemError } from '#server/platform/http/problem.ts'
import { OrderNotFoundError } from '../problems.ts'
import type { CancelOutcome } from './cancel-orders.ts'

/** The order is not cancelled; `code` says why. */
class OrderNotCancelledError extends ProblemError {
  override name = 'OrderNotCancelledError'

  constructor(code: string, detail: string) {
    super({ code, status: 409, title: 'The order cannot be cancelled', detail })
  }
}

/** Why an order was not cancelled, as a problem. */
export function cancelRefused({ code, message }: Extract<CancelOutcome, { ok: false }>): ProblemError {
  return code === 'order_not_found' ? new OrderNotFoundError() : new OrderNotCancelledError(code, message)
}
