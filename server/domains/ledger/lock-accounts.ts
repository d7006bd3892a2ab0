import { present } from '#server/kit/invariant.ts'
import { int8Array } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import type { LockedAccount } from './book.ts'

/** In place of null; a limit is never below zero. */
const NO_LIMIT = -1n
/** Five bigints and a tid. */
const BALANCE_BYTES = 46

// The one statement that locks accounts, always in the order of their ids, so that two batches never wait for each other in a ring.
// NO KEY: a foreign key check elsewhere need not wait. A batch has thousands of rows, so they come as one value, which costs both sides a third of what columns in arrays do.
const lock = (where: string) =>
  statement(`
  select string_agg(int8send(account) || tidsend(place) || int8send(posted) || int8send(held) || int8send(version)
    || int8send(coalesce(credit_limit::bigint, ${NO_LIMIT})), ''::bytea) as balances, string_agg(asset, ' ') as assets
  from (
    select ctid as place, account, asset, posted, held, credit_limit, version from ledger.balance
    where ${where}
    order by account for no key update
  ) as locked`)

const lockById = lock('account = any($1::bigint[])')

const lockByIdOrHold = lock(`account in (
      select unnest($1::bigint[]) union select hold.account from ledger.hold where hold.id = any($2::bigint[]))`)

interface Locked {
  balances: Buffer | null
  assets: string
}

/** Locks the accounts `ids` and those of the holds `holds`, until the transaction ends. Unknown ids are absent from the answer. */
export async function lockAccounts(
  tx: Tx,
  ids: readonly bigint[],
  holds: Set<bigint>,
): Promise<Map<bigint, LockedAccount>> {
  const sorted = int8Array(sortedOnce(ids))
  const rows =
    holds.size === 0
      ? await tx.query<Locked>(lockById, [sorted])
      : await tx.query<Locked>(lockByIdOrHold, [sorted, int8Array([...holds])])
  const { balances, assets } = present(rows[0], 'an aggregate has one row')
  return balances === null ? new Map() : accountsIn(balances, assets.split(' '))
}

function accountsIn(balances: Buffer, assets: readonly string[]): Map<bigint, LockedAccount> {
  const view = new DataView(balances.buffer, balances.byteOffset, balances.length)
  const accounts = new Map<bigint, LockedAccount>()
  for (let i = 0, at = 0; at < balances.length; i += 1, at += BALANCE_BYTES) {
    const id = view.getBigInt64(at)
    const version = view.getBigInt64(at + 30)
    const limit = view.getBigInt64(at + 38)
    accounts.set(id, {
      id,
      asset: assets[i] as string,
      place: { page: view.getUint32(at + 8), row: view.getUint16(at + 12) },
      posted: view.getBigInt64(at + 14),
      held: view.getBigInt64(at + 22),
      credit_limit: limit === NO_LIMIT ? null : limit,
      version,
      locked_version: version,
    })
  }
  return accounts
}

/** Each id once, ascending. */
function sortedOnce(ids: readonly bigint[]): BigInt64Array {
  const sorted = BigInt64Array.from(ids).sort()
  let kept = 0
  for (const id of sorted) {
    if (kept === 0 || sorted[kept - 1] !== id) sorted[kept++] = id
  }
  return sorted.subarray(0, kept)
}
