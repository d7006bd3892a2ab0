import { ProblemError } from '#server/platform/http/problem.ts'

/** No adjustment has this number. */
export class AdjustmentNotFoundError extends ProblemError {
  override name = 'AdjustmentNotFoundError'
  constructor() {
    super({ code: 'adjustment_not_found', status: 404, title: 'There is no such adjustment' })
  }
}

/** It was decided on, or has expired, and stays so. */
export class AdjustmentSettledError extends ProblemError {
  override name = 'AdjustmentSettledError'
  constructor(state: string) {
    super({
      code: 'adjustment_settled',
      status: 409,
      title: 'The adjustment waits for nobody any more',
      detail: `It is ${state}.`,
      extra: { state },
    })
  }
}

/** Two pairs of eyes belong to two persons. */
export class SamePersonError extends ProblemError {
  override name = 'SamePersonError'
  constructor() {
    super({
      code: 'same_person',
      status: 409,
      title: 'Another person has to approve it',
      detail: 'Nobody approves what they asked for themselves.',
    })
  }
}

/** More would be taken than is there. */
export class NotEnoughFundsError extends ProblemError {
  override name = 'NotEnoughFundsError'
  constructor() {
    super({
      code: 'insufficient_funds',
      status: 409,
      title: 'The customer does not have that much',
      detail: 'An adjustment takes no more than what is available: what is held for orders stays.',
    })
  }
}

/** The amount is nothing, or more than a balance can hold. */
export class AmountRefusedError extends ProblemError {
  override name = 'AmountRefusedError'
  constructor() {
    super({
      code: 'amount_refused',
      status: 422,
      title: 'The amount cannot be booked',
      detail: 'A decimal such as 25.50, or -25.50 to take away, other than zero, with up to six decimals.',
      field: 'amount',
    })
  }
}
