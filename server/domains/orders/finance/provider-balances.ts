import { balanceAt } from '#server/domains/ledger/statement.ts'
import type { ProviderRow } from '#server/domains/providers/provider-row.ts'
import { listProviders } from '#server/domains/providers/queries.ts'
import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'

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
}

const OURS = statement(`
  select id, owner_id as provider_id, asset, posted from ledger.account where owner_kind = 'provider' and purpose = 'prepaid'`)

// Two walks of the indexes of these states.
const UNCERTAIN = statement(`
  select provider_id, count(*) as orders, sum(expected_cost)::bigint as cost from (
    select provider_id, expected_cost from orders.orders where state = 'dispatching'
    union all select provider_id, expected_cost from orders.orders where state = 'unknown') as uncertain
  group by provider_id`)

interface PrepaidAccount {
  id: bigint
  provider_id: bigint
  asset: string
  posted: bigint
}

/** Holds our count of each provider's balance against the provider's own, both as they stood when it was told last: what was ordered since is no difference. */
export async function providerBalances({ db }: Pick<App, 'db'>): Promise<ProviderBalance[]> {
  const [providers, accounts, uncertain] = await Promise.all([
    listProviders(db),
    db.query<PrepaidAccount>(OURS),
    db.query<{ provider_id: bigint; orders: bigint; cost: bigint }>(UNCERTAIN),
  ])
  const balances = providers.map(async (provider): Promise<ProviderBalance> => {
    const { id, currency, balance } = provider
    const account = accounts.find((each) => each.provider_id === id && each.asset === currency)
    const open = uncertain.find((each) => each.provider_id === id)
    // A balance that stood before an attempt that failed is of a moment that nobody knows.
    const told_at = provider.balance_status === 'ok' ? provider.balance_checked_at : null
    return {
      provider,
      ours: account?.posted ?? 0n,
      theirs: told_at && balance,
      ours_then: told_at && (account ? (await balanceAt(db, account.id, told_at)).posted : 0n),
      uncertain_orders: open?.orders ?? 0n,
      uncertain_cost: open?.cost ?? 0n,
    }
  })
  return Promise.all(balances)
}
