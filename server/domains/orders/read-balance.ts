import { SALE_ASSET } from '#server/domains/catalog/service.ts'
import { type Db, statement } from '#server/platform/db/database.ts'
import { walletOf } from './accounts.ts'

/** A customer's wallet in minor units of SALE_ASSET. */
export interface Balance {
  /** All that is theirs. */
  posted: bigint
  /** The part set aside for orders under way. */
  held: bigint
  /** Grows with every change; the higher one is the newer. */
  version: bigint
}

const walletLine = statement(`
  select posted, held, version from ledger.account
  where owner_kind = $1 and owner_id = $2 and purpose = $3 and asset = $4`)

/** The customer's balance. One who has never had any money has an empty one, of version 0. */
export async function readBalance(db: Db, customer_id: bigint): Promise<Balance> {
  const { owner_kind, owner_id, purpose, asset } = walletOf(customer_id, SALE_ASSET)
  const [row] = await db.query<Balance>(walletLine, [owner_kind, owner_id, purpose, asset])
  return row ?? { posted: 0n, held: 0n, version: 0n }
}

/** What the customer can spend. */
export function availableOf(balance: Balance): bigint {
  return balance.posted - balance.held
}
