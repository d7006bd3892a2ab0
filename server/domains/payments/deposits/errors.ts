import { formatAmount } from '#server/kit/money.ts'
import { ProblemError } from '#server/platform/http/problem.ts'
import { WALLET_ASSET, WALLET_SCALE } from '../accounts.ts'

/** No deposit has this number, or it is another customer's. */
export class DepositNotFoundError extends ProblemError {
  override name = 'DepositNotFoundError'
  constructor() {
    super({ code: 'deposit_not_found', status: 404, title: 'There is no such deposit' })
  }
}

/** It was answered, cancelled, or has expired, and stays so. */
export class DepositSettledError extends ProblemError {
  override name = 'DepositSettledError'
  constructor(state: string) {
    super({
      code: 'deposit_settled',
      status: 409,
      title: 'The deposit waits for nobody any more',
      detail: `It is ${state}.`,
      extra: { state },
    })
  }
}

/** The amount is none, or outside of what is taken; amounts in minor units of the wallet. */
export class DepositAmountRefusedError extends ProblemError {
  override name = 'DepositAmountRefusedError'
  constructor(min: bigint, max: bigint) {
    const [from, to] = [formatAmount(min, WALLET_SCALE, 2), formatAmount(max, WALLET_SCALE, 2)]
    super({
      code: 'amount_refused',
      status: 422,
      title: 'This amount is not taken',
      detail: `A decimal from ${from} to ${to} ${WALLET_ASSET}.`,
      field: 'amount',
      extra: { min: from, max: to },
    })
  }
}

/** The way to pay is not on offer. */
export class MethodNotOfferedError extends ProblemError {
  override name = 'MethodNotOfferedError'
  constructor(codes: readonly string[]) {
    super({
      code: 'method_not_offered',
      status: 422,
      title: 'This way to pay is not on offer',
      detail: codes.length === 0 ? 'No deposits by hand are taken at the moment.' : `One of ${codes.join(', ')}.`,
      field: 'method',
    })
  }
}

/** There is nothing in the reference by which a payment could be found. */
export class ReferenceRefusedError extends ProblemError {
  override name = 'ReferenceRefusedError'
  constructor() {
    super({
      code: 'reference_refused',
      status: 422,
      title: 'The reference names no payment',
      detail: 'The number of the transaction, or what else it is found by: letters and digits.',
      field: 'reference',
    })
  }
}

/** The customer has named the same payment before, and that deposit waits or is credited. */
export class ReferenceUsedError extends ProblemError {
  override name = 'ReferenceUsedError'
  constructor(deposit_id: bigint) {
    super({
      code: 'reference_used',
      status: 409,
      title: 'This payment was named before',
      detail: `Your deposit ${deposit_id} has the same reference.`,
      field: 'reference',
      extra: { deposit_id: String(deposit_id) },
    })
  }
}

/** As many of the customer's wait as may. */
export class TooManyDepositsError extends ProblemError {
  override name = 'TooManyDepositsError'
  constructor(max: number) {
    super({
      code: 'too_many_deposits',
      status: 409,
      title: 'Too many deposits wait for an answer',
      detail: `Up to ${max} may. Wait for the answer to one, or cancel one.`,
      extra: { max },
    })
  }
}

/** What was found is not what was asked for, and nobody said why. */
export class CorrectionReasonError extends ProblemError {
  override name = 'CorrectionReasonError'
  constructor(asked: bigint) {
    super({
      code: 'reason_required',
      status: 422,
      title: 'Another amount needs a reason',
      detail: `The customer asked for ${formatAmount(asked, WALLET_SCALE, 2)} ${WALLET_ASSET} and is told the reason.`,
      field: 'reason',
    })
  }
}

/** Who approves second approves what the first one found. */
export class ApprovedAmountDiffersError extends ProblemError {
  override name = 'ApprovedAmountDiffersError'
  constructor(first: bigint) {
    const amount = formatAmount(first, WALLET_SCALE, 2)
    super({
      code: 'approved_amount_differs',
      status: 409,
      title: 'Another amount was approved first',
      detail: `The first person approved ${amount} ${WALLET_ASSET}. Approve that, or refuse the deposit.`,
      field: 'amount',
      extra: { approved_amount: amount },
    })
  }
}

/** Another customer was credited for a payment of the same name. */
export class ReferenceCreditedError extends ProblemError {
  override name = 'ReferenceCreditedError'
  constructor(other: { id: bigint; user_id: bigint }) {
    super({
      code: 'reference_credited',
      status: 409,
      title: 'Another customer was credited for this reference',
      detail: `Deposit ${other.id} of user ${other.user_id} has it. To approve nevertheless, give a reason.`,
      field: 'reason',
      extra: { deposit_id: String(other.id), user_id: String(other.user_id) },
    })
  }
}

/** More than a balance can hold. */
export class CreditTooLargeError extends ProblemError {
  override name = 'CreditTooLargeError'
  constructor() {
    super({
      code: 'amount_refused',
      status: 422,
      title: 'The amount cannot be booked',
      detail: 'A decimal above zero that a balance can hold, with up to six decimals.',
      field: 'amount',
    })
  }
}
