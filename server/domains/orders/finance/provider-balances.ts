import type { ProviderRow } from '#server/domains/providers/provider-row.ts'
import { listProviders } from '#server/domains/providers/queries.ts'
import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'

/** Our balance with a provider, in minor units of the provider's currency. */
export interface ProviderBalance {
  provider: ProviderRow
  /** What the ledger says that we have there. */
  ours: bigint
  /** What the provider told last; null before it ever did. */
  theirs: bigint | null
  /** Theirs less ours. */
  difference: bigint | null
  /** Orders of which nobody knows yet whether the provider has taken them, and what they would cost: they may explain a difference. */
  uncertain_orders: bigint
  uncertain_cost: bigint
}

const OURS = statement(`
  select owner_id as provider_id, asset, posted from ledger.account where owner_kind = 'provider' and purpose = 'prepaid'`)

// Two walks of the indexes of these states.
const UNCERTAIN = statement(`
  select provider_id, count(*) as orders, sum(expected_cost)::bigint as cost from (
    select provider_id, expected_cost from orders.orders where state = 'dispatching'
    union all select provider_id, expected_cost from orders.orders where state = 'unknown') as uncertain
  group by provider_id`)

/** Holds our count of each provider's balance against the provider's own, as it was told last. */
export async function providerBalances({ db }: Pick<App, 'db'>): Promise<ProviderBalance[]> {
  const [providers, accounts, uncertain] = await Promise.all([
    listProviders(db),
    db.query<{ provider_id: bigint; asset: string; posted: bigint }>(OURS),
    db.query<{ provider_id: bigint; orders: bigint; cost: bigint }>(UNCERTAIN),
  ])
  return providers.map((provider) => {
    const { id, currency, balance: theirs } = provider
    const ours = accounts.find((each) => each.provider_id === id && each.asset === currency)?.posted ?? 0n
    const open = uncertain.find((each) => each.provider_id === id)
    const difference = theirs === null ? null : theirs - ours
    return {
      provider,
      ours,
      theirs,
      difference,
      uncertain_orders: open?.orders ?? 0n,
      uncertain_cost: open?.cost ?? 0n,
    }
  })
}
