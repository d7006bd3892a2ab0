import { ProblemError } from '#server/platform/http/problem.ts'

/** No refund has this number. */
export class RefundNotFoundError extends ProblemError {
  override name = 'RefundNotFoundError'

  constructor() {
    super({ code: 'refund_not_found', status: 404, title: 'There is no such refund' })
  }
}

/** The amount is none that can be given back of any order. */
export class RefundAmountError extends ProblemError {
  override name = 'RefundAmountError'

  constructor() {
    super({
      code: 'amount_refused',
      status: 422,
      title: 'The amount cannot be refunded',
      detail: 'A decimal above zero such as 2.50, with up to six decimals.',
      field: 'amount',
    })
  }
}

/** More than the customer has paid for the order and not had back. */
export class RefundTooLargeError extends ProblemError {
  override name = 'RefundTooLargeError'

  constructor(left: string) {
    super({
      code: 'refund_too_large',
      status: 409,
      title: 'The order was not paid that much',
      detail: `Of what was paid for it, ${left} can still go back.`,
      extra: { left },
    })
  }
}

/** The order has not ended: what is held is given back by its end. */
export class OrderNotEndedError extends ProblemError {
  override name = 'OrderNotEndedError'

  constructor(state: string) {
    super({
      code: 'order_not_ended',
      status: 409,
      title: 'Only what was paid can be refunded',
      detail: `The order is ${state}: its charge is held, and settled when it ends.`,
    })
  }
}

/** It was decided on, or has expired, and stays so. */
export class RefundSettledError extends ProblemError {
  override name = 'RefundSettledError'

  constructor(state: string) {
    super({
      code: 'refund_settled',
      status: 409,
      title: 'The refund waits for nobody any more',
      detail: `It is ${state}.`,
      extra: { state },
    })
  }
}

/** Two pairs of eyes belong to two persons. */
export class SameRefunderError extends ProblemError {
  override name = 'SameRefunderError'

  constructor() {
    super({
      code: 'same_person',
      status: 409,
      title: 'Another person has to approve it',
      detail: 'Nobody approves what they asked for themselves.',
    })
  }
}
