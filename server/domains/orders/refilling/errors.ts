import { ProblemError } from '#server/platform/http/problem.ts'
import { OrderNotFoundError } from '../problems.ts'
import type { DecideOutcome } from './decide-refill.ts'
import type { RefillOutcome } from './refill-orders.ts'

/** No such refill, or another customer's. */
export class RefillNotFoundError extends ProblemError {
  override name = 'RefillNotFoundError'

  constructor() {
    super({ code: 'refill_not_found', status: 404, title: 'There is no such refill' })
  }
}

/** The order is not refilled; `code` says why. */
class OrderNotRefilledError extends ProblemError {
  override name = 'OrderNotRefilledError'

  constructor({ code, message, available_at }: Extract<RefillOutcome, { ok: false }>) {
    const extra = available_at && { extra: { available_at: available_at.toISOString() } }
    super({ code, status: 409, title: 'The order cannot be refilled', detail: message, ...extra })
  }
}

/** The refill is not decided; `code` says why. */
class RefillNotDecidedError extends ProblemError {
  override name = 'RefillNotDecidedError'

  constructor(code: string, detail: string) {
    super({ code, status: 409, title: 'This cannot be said of the refill now', detail })
  }
}

/** Why an order is not refilled, as a problem. */
export function refillRefused(refusal: Extract<RefillOutcome, { ok: false }>): ProblemError {
  return refusal.code === 'order_not_found' ? new OrderNotFoundError() : new OrderNotRefilledError(refusal)
}

/** Why a refill is not decided, as a problem. */
export function decisionRefused({ code, message }: Extract<DecideOutcome, { ok: false }>): ProblemError {
  return code === 'refill_not_found' ? new RefillNotFoundError() : new RefillNotDecidedError(code, message)
}
