import { ProblemError } from '#server/platform/http/problem.ts'
import { QUOTA_EXCEEDED } from '#server/platform/limits/errors.ts'
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
      ...ofQuota(refusal),
    })
  }
}

/** 402 where money alone is missing, so that a client can tell "pay in and try again" from "ask otherwise", which is 422; 429 where waiting helps. */
function refusalStatus({ code }: OrderRefusal): number {
  switch (code) {
    case 'insufficient_funds':
      return 402
    case 'quota_exceeded':
      return 429
    default:
      return 422
  }
}

/** Of a key's quota, the type and the member that the draft standard for rate limits defines. */
function ofQuota({ quota, allowance, retry_after_s }: OrderRefusal) {
  if (quota === undefined) return {}
  return {
    type: QUOTA_EXCEEDED,
    extra: { quota, ...allowance, 'violated-policies': [`key-${quota.replaceAll('_', '-')}`] },
    headers: { 'retry-after': String(retry_after_s) },
  }
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
