import { SALE_ASSET } from '#server/domains/catalog/service.ts'
import { accountNamed, type Balance } from '#server/domains/ledger/queries.ts'
import type { Db } from '#server/platform/db/database.ts'
import { walletOf } from './accounts.ts'

const EMPTY: Balance = { posted: 0n, held: 0n, available: 0n, version: 0n }

/**
 * The customer's wallet in minor units of SALE_ASSET: `posted` is all that is theirs, `held` the part set aside for orders under way. One who
 * never had any money has an empty one, of version 0.
 */
export async function readBalance(db: Db, customer_id: bigint): Promise<Balance> {
  return (await accountNamed(db, walletOf(customer_id, SALE_ASSET))) ?? EMPTY
}
