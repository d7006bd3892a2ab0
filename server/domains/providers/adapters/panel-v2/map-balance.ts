import { ProviderReadError } from '#server/domains/providers/provider.ts'
import { currencyOf, type Money } from './figures.ts'
import { amountOf, fieldsOf, own, readJson } from './json.ts'
import { type ReadAnswer, readFailure } from './map-read.ts'
import { refusalOf } from './refusals.ts'

/** The balance in the provider's currency, which a panel may leave out. Throws ProviderReadError; a balance in another currency is unreadable. */
export function readBalance(answer: ReadAnswer, money: Money): { balance: bigint; currency: string } {
  const fields = fieldsOf(readJson(answer.body))
  if (!fields || refusalOf(fields) !== undefined || answer.status >= 500) throw readFailure(answer)
  const currency = currencyOf(fields) ?? money.currency
  if (currency !== money.currency) {
    throw new ProviderReadError('unreadable_answer', `the balance is in ${currency}, not in ${money.currency}`)
  }
  const balance = amountOf(own(fields, 'balance'), money.scale)
  if (balance === undefined) throw new ProviderReadError('unreadable_answer', 'the answer has no readable balance')
  return { balance, currency }
}
