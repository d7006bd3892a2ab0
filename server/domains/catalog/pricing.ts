import { present } from '#server/kit/invariant.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { exchangeRateHoursMax } from './exchange-rates/settings.ts'
import { type CostCurrency, USD_COST } from './markup.ts'
import { type FindRule, findRuleAmong, type RuleChange, rulesAfter, scopeOf } from './markups/markup-rule.ts'
import { selectRules } from './markups/queries.ts'
import type { CatalogApp } from './service.ts'

/** All that services are priced by, as it stands at one moment. */
export interface Pricing {
  findRule: FindRule
  /** What an asset is worth; undefined where no exchange rate is fresh enough. */
  currencyOf(asset: string): CostCurrency | undefined
}

const HOUR_MS = 3_600_000

// One probe for each of a handful of assets.
const freshRates = statement(`
  select asset.code as asset, asset.scale, latest.usd_per_unit
  from ledger.asset, lateral (
    select usd_per_unit, at from catalog.exchange_rate where exchange_rate.asset = asset.code order by id desc limit 1) as latest
  where latest.at >= $1`)

/** Reads what services are priced by, or would be after a change of rules. Under `lockServicesOf` or `lockPrices` it stays as it was read. */
export async function readPricing(
  tx: Pick<Tx, 'query'>,
  app: Pick<CatalogApp, 'clock' | 'settings'>,
  change?: RuleChange,
): Promise<Pricing> {
  const stored = await selectRules(tx)
  const rules = change ? rulesAfter(stored, change) : stored
  const rates = await tx.query<CostCurrency>(freshRates, [freshSince(app)])
  const currencies = new Map([USD_COST, ...rates].map((each) => [each.asset, each]))
  const house = present(
    rules.find((rule) => scopeOf(rule).of === 'house'),
    'the house has no mark-up rule',
  )
  return { findRule: findRuleAmong(rules, house), currencyOf: (asset) => currencies.get(asset) }
}

/** An exchange rate set before this is too old to sell by. */
export function freshSince(app: Pick<CatalogApp, 'clock' | 'settings'>): Date {
  return new Date(app.clock.now().getTime() - app.settings.read(exchangeRateHoursMax) * HOUR_MS)
}
