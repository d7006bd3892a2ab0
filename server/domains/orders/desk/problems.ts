import { formatAmount } from '#server/kit/money.ts'
import { ProblemError } from '#server/platform/http/problem.ts'
import { OrderNotFoundError } from '../problems.ts'
import type { ForceOutcome } from './force-status.ts'
import type { MoveOutcome } from './move-order.ts'
import type { ResolveOutcome } from './resolve-order.ts'
import type { ResubmitOutcome } from './resubmit-orders.ts'

/** What staff asked of an order cannot be done as it stands; `code` says why. */
class OrderDeskError extends ProblemError {
  override name = 'OrderDeskError'

  constructor(code: string, status: number, detail: string, extra: Readonly<Record<string, unknown>> = {}) {
    super({ code, status, title: 'This cannot be done with the order now', detail, extra })
  }
}

/** Why an order was not ended. */
export function forceRefused({ code, message }: Extract<ForceOutcome, { ok: false }>): ProblemError {
  if (code === 'order_not_found') return new OrderNotFoundError()
  return new OrderDeskError(code, code === 'remains_out_of_range' ? 422 : 409, message)
}

/** Why an order was not resolved. */
export function resolutionRefused({ code, message }: Extract<ResolveOutcome, { ok: false }>): ProblemError {
  return code === 'order_not_found' ? new OrderNotFoundError() : new OrderDeskError(code, 409, message)
}

/** Why an order was not moved. */
export function moveRefused({ code, message }: Extract<MoveOutcome, { ok: false }>): ProblemError {
  return code === 'order_not_found' ? new OrderNotFoundError() : new OrderDeskError(code, 409, message)
}

/** Why an order was not sent again: 400 with the provider's balance where that is too low, as the desk's document says. */
export function resubmitRefused(refusal: Extract<ResubmitOutcome, { ok: false }>): ProblemError {
  const { code, message } = refusal
  switch (code) {
    case 'order_not_found':
      return new OrderNotFoundError()
    case 'insufficient_provider_balance':
      return new OrderDeskError(code, 400, message, balanceOf(refusal))
    case 'balance_unavailable':
      return new OrderDeskError(code, 502, message)
    default:
      return new OrderDeskError(code, 409, message)
  }
}

/** The provider's balance that did not suffice, where it could be read. */
export function balanceOf({ balance, scale = 0 }: Extract<ResubmitOutcome, { ok: false }>): { balance?: string } {
  return balance === undefined ? {} : { balance: formatAmount(balance, scale, Math.min(2, scale)) }
}
