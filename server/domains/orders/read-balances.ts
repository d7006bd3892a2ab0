import { SALE_ASSET } from '#server/domains/catalog/service.ts'
import type { Balance } from '#server/domains/ledger/queries.ts'
import { int8Array } from '#server/platform/db/arrays.ts'
import { type Db, statement } from '#server/platform/db/database.ts'

const walletsOf = statement(`
  select owner_id as customer_id, posted, held, posted - held as available, version from ledger.account
  where owner_kind = 'customer' and owner_id = any($1::bigint[]) and purpose = 'wallet' and asset = $2`)

/**
 * The wallets of these customers in minor units of SALE_ASSET: `posted` is all that is theirs, `held` the part set aside for orders under way. Those who never
 * had any money are absent.
 */
export function readBalances(
  db: Pick<Db, 'query'>,
  customers: readonly bigint[],
): Promise<(Balance & { customer_id: bigint })[]> {
  return db.query(walletsOf, [int8Array(customers), SALE_ASSET])
}
