import { balanceAt } from '#server/domains/ledger/statement.ts'
import type { ProviderRow } from '#server/domains/providers/provider-row.ts'
import { listProviders } from '#server/domains/providers/queries.ts'
import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'
import { FORECAST_HOURS, type Forecast, forecastOf, type HourCost } from './forecast.ts'

/** Our balance with a provider, in minor units of the provider's currency. */
export interface ProviderBalance {
  provider: ProviderRow
  /** What the ledger says that we have there now. */
  ours: bigint
  /** What the provider told when it was asked last, and what the ledger said at that moment; null where it did not answer. */
  theirs: bigint | null
  ours_then: bigint | null
  /** Orders of which nobody knows yet whether the provider has taken them, and what they would cost: they may explain a difference. */
  uncertain_orders: bigint
  uncertain_cost: bigint
  /** For how long theirs, or ours where it is not known, lasts as orders go. */
  forecast: Forecast
}

const OURS = statement(`
  select id, owner_id as provider_id, asset, posted from ledger.account where owner_kind = 'provider' and purpose = 'prepaid'`)

// Two walks of the indexes of these states.
const UNCERTAIN = statement(`
  select provider_id, count(*) as orders, sum(expected_cost)::bigint as cost from (
    select provider_id, expected_cost from orders.orders where state = 'dispatching'
    union all select provider_id, expected_cost from orders.orders where state = 'unknown') as uncertain
  group by provider_id`)

// Of a few providers a few hours each.
const SPENT = statement(`
  select provider_id, hour, asset, cost from orders.provider_hour
  where hour >= date_trunc('hour', $1::timestamptz, 'UTC') - make_interval(hours => ${FORECAST_HOURS})`)

interface PrepaidAccount {
  id: bigint
  provider_id: bigint
  asset: string
  posted: bigint
}

/** Holds our count of each provider's balance against the provider's own, both as they stood when it was told last: what was ordered since is no difference. */
export async function providerBalances({ db, clock }: Pick<App, 'db' | 'clock'>): Promise<ProviderBalance[]> {
  const now = clock.now()
  const [providers, accounts, uncertain, spent] = await Promise.all([
    listProviders(db),
    db.query<PrepaidAccount>(OURS),
    db.query<{ provider_id: bigint; orders: bigint; cost: bigint }>(UNCERTAIN),
    db.query<HourCost & { provider_id: bigint; asset: string }>(SPENT, [now]),
  ])
  const balances = providers.map(async (provider): Promise<ProviderBalance> => {
    const { id, currency, balance } = provider
    const account = accounts.find((each) => each.provider_id === id && each.asset === currency)
    const open = uncertain.find((each) => each.provider_id === id)
    // A balance that stood before an attempt that failed is of a moment that nobody knows.
    const told_at = provider.balance_status === 'ok' ? provider.balance_checked_at : null
    const hours = spent.filter((each) => each.provider_id === id && each.asset === currency)
    const [ours, theirs] = [account?.posted ?? 0n, told_at && balance]
    return {
      provider,
      ours,
      theirs,
      ours_then: told_at && (account ? (await balanceAt(db, account.id, told_at)).posted : 0n),
      uncertain_orders: open?.orders ?? 0n,
      uncertain_cost: open?.cost ?? 0n,
      forecast: forecastOf(theirs ?? ours, hours, now),
    }
  })
  return Promise.all(balances)
}
