import { ProblemError } from '#server/platform/http/problem.ts'

/** The house does not know this currency, or it is the dollar itself. */
export class CurrencyUnknownError extends ProblemError {
  override name = 'CurrencyUnknownError'
  constructor() {
    super({
      code: 'currency_unknown',
      status: 404,
      title: 'There is no such currency to be exchanged',
      detail: 'A currency of the ledger other than USD.',
    })
  }
}

/** The rate is far from the one before. */
export class RateJumpsError extends ProblemError {
  override name = 'RateJumpsError'
  constructor() {
    super({
      code: 'rate_jumps',
      status: 409,
      title: 'The exchange rate moves by more than a fifth at once',
      detail: 'If it is meant so, send it with confirm; nothing was changed.',
      field: 'usd',
    })
  }
}
