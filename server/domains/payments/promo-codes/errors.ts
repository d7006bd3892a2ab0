import { formatAmount } from '#server/kit/money.ts'
import { ProblemError } from '#server/platform/http/problem.ts'
import { WALLET_ASSET, WALLET_SCALE } from '../accounts.ts'

/** No promo code has this number. */
export class PromoCodeNotFoundError extends ProblemError {
  override name = 'PromoCodeNotFoundError'
  constructor() {
    super({ code: 'promo_code_not_found', status: 404, title: 'There is no such promo code' })
  }
}

/** A code is given once, also when it has ended. */
export class PromoCodeTakenError extends ProblemError {
  override name = 'PromoCodeTakenError'
  constructor() {
    super({ code: 'promo_code_taken', status: 409, title: 'There is or was such a promo code', field: 'code' })
  }
}

/** It has ended, and what was promised until then stays. */
export class PromoCodeEndedError extends ProblemError {
  override name = 'PromoCodeEndedError'
  constructor() {
    super({ code: 'promo_code_ended', status: 409, title: 'The promo code has ended already' })
  }
}

/** More codes than anyone looks after. */
export class TooManyPromoCodesError extends ProblemError {
  override name = 'TooManyPromoCodesError'
  constructor(max: number) {
    super({
      code: 'too_many_promo_codes',
      status: 409,
      title: 'Too many promo codes are open',
      detail: `There are ${max} that can be redeemed or will be; end one first.`,
    })
  }
}

/** The code would give more than one code may; in minor units of the wallet. */
export class PromoBudgetError extends ProblemError {
  override name = 'PromoBudgetError'
  constructor(max: bigint) {
    const most = formatAmount(max, WALLET_SCALE, 2)
    super({
      code: 'promo_budget_exceeded',
      status: 422,
      title: 'The promo code would give too much',
      detail: `The amount times the number of redemptions may be ${most} ${WALLET_ASSET} at most.`,
      field: 'redemptions_max',
      extra: { max: most },
    })
  }
}

/** The one answer for a code that is unknown, not valid yet or any more, used up, or for others: who guesses learns nothing. */
export class PromoCodeRefusedError extends ProblemError {
  override name = 'PromoCodeRefusedError'
  constructor() {
    super({
      code: 'promo_code_refused',
      status: 422,
      title: 'This code cannot be redeemed',
      detail: 'It is not known, not valid at present, used up, or not for your account.',
      field: 'code',
    })
  }
}

/** The customer has it already. */
export class PromoCodeRedeemedError extends ProblemError {
  override name = 'PromoCodeRedeemedError'
  constructor(redeemed_at: Date) {
    super({
      code: 'promo_code_redeemed',
      status: 409,
      title: 'You have redeemed this code',
      detail: 'Each customer redeems a code once.',
      field: 'code',
      extra: { redeemed_at: redeemed_at.toISOString() },
    })
  }
}

/** More than a balance can hold. */
export class BalanceFullError extends ProblemError {
  override name = 'BalanceFullError'
  constructor() {
    super({ code: 'balance_full', status: 409, title: 'The balance cannot hold what the code gives' })
  }
}
