import { present } from '#server/kit/invariant.ts'
import { int8Array } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import type { LockedAccount } from './book.ts'

// The one statement that locks accounts, always in the order of their ids, so that two batches never wait for each other in a ring.
// NO KEY: a foreign key check elsewhere need not wait. The rows come as columns in arrays: a batch has thousands.
const lock = (where: string) =>
  statement(`
  with locked as (
    select ctid as place, account as id, asset, posted, held, credit_limit, version from ledger.balance
    where ${where}
    order by account for no key update
  )
  select array_agg(id) as id, string_agg(place::text, ' ') as place, string_agg(asset, ' ') as asset, array_agg(posted) as posted, array_agg(held) as held,
    array_agg(credit_limit::bigint) as credit_limit, array_agg(version) as version
  from locked`)

const lockById = lock('account = any($1::bigint[])')

const lockByIdOrHold = lock(`account in (
      select unnest($1::bigint[]) union select hold.account from ledger.hold where hold.id = any($2::bigint[]))`)

interface Columns {
  id: bigint[] | null
  place: string
  asset: string
  posted: bigint[]
  held: bigint[]
  credit_limit: (bigint | null)[]
  version: bigint[]
}

/** Locks the accounts `ids` and those of the holds `holds`, until the transaction ends. Unknown ids are absent from the answer. */
export async function lockAccounts(tx: Tx, ids: Set<bigint>, holds: Set<bigint>): Promise<Map<bigint, LockedAccount>> {
  const sorted = int8Array([...ids].sort((a, b) => (a < b ? -1 : 1)))
  const rows =
    holds.size === 0
      ? await tx.query<Columns>(lockById, [sorted])
      : await tx.query<Columns>(lockByIdOrHold, [sorted, int8Array([...holds])])
  const columns = present(rows[0], 'an aggregate has one row')
  const accounts = new Map<bigint, LockedAccount>()
  if (columns.id === null) return accounts
  const { id, posted, held, credit_limit, version } = columns
  const asset = columns.asset.split(' ')
  const place = columns.place.split(' ')
  for (let i = 0; i < id.length; i++) {
    accounts.set(id[i] as bigint, {
      id: id[i] as bigint,
      asset: asset[i] as string,
      place: place[i] as string,
      posted: posted[i] as bigint,
      held: held[i] as bigint,
      credit_limit: credit_limit[i] as bigint | null,
      version: version[i] as bigint,
      locked_version: version[i] as bigint,
    })
  }
  return accounts
}
