import { SYSTEM } from '#server/domains/audit/act.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { freshSince } from '../pricing.ts'
import { lockPrices } from '../queries.ts'
import { forgetServices } from '../sellable-services.ts'
import type { CatalogApp } from '../service.ts'
import { repriceCurrencies } from './reprice-currencies.ts'

// Where costs are known in dollars without a fresh rate, or not known with one.
const astray = statement(`
  select billed.asset
  from (select cost_asset as asset, cost_usd is not null as known from catalog.service
    where cost_asset <> 'USD' group by 1, 2) as billed
  left join lateral (select at from catalog.exchange_rate where exchange_rate.asset = billed.asset order by id desc limit 1)
    as latest on true
  where billed.known <> coalesce(latest.at >= $1, false)
  group by 1`)

/**
 * Stops selling what is billed in a currency whose exchange rate has become too old, and sells it again where the setting now allows that age. Most runs find
 * nothing and write nothing. Answers how many services changed.
 */
export async function followExchangeRates(app: CatalogApp): Promise<number> {
  if ((await astrayIn(app, app.db)).length === 0) return 0
  const changed = await app.db.transaction(async (tx) => {
    await lockPrices(tx)
    const changes = await repriceCurrencies(app, tx, await astrayIn(app, tx), { by: SYSTEM, at: app.clock.now() })
    return changes.length
  })
  if (changed > 0) await forgetServices(app)
  return changed
}

async function astrayIn(app: CatalogApp, tx: Pick<Tx, 'query'>): Promise<string[]> {
  return (await tx.query<{ asset: string }>(astray, [freshSince(app)])).map(({ asset }) => asset)
}
