import { present } from '#server/kit/invariant.ts'
import { int8Array, textArray } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'

/** Whose account it is, what for, and in which asset: together unique. */
export interface AccountName {
  /** `customer`, `provider`, `platform` … */
  owner_kind: string
  /** 0 for the platform. */
  owner_id: bigint
  /** `wallet`, `prepaid`, `revenue` … */
  purpose: string
  asset: string
  /** How far below zero it may go, in minor units; null without limit. Taken when the account is made, not changed after. */
  credit_limit: bigint | null
}

const insertMissing = statement(`
  with wanted as (
    select distinct * from unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::bigint[])
      as wanted (owner_kind, owner_id, purpose, asset, credit_limit)
  ), made as (
    insert into ledger.account_name (owner_kind, owner_id, purpose, asset)
    select owner_kind, owner_id, purpose, asset from wanted order by 1, 2, 3, 4
    on conflict on constraint account_once do nothing
    returning id, owner_kind, owner_id, purpose, asset
  )
  insert into ledger.balance (account, asset, credit_limit)
  select id, asset, credit_limit from made join wanted using (owner_kind, owner_id, purpose, asset)`)

const selectNamed = statement(`
  select account_name.id, wanted.place from unnest($1::text[], $2::bigint[], $3::text[], $4::text[])
    with ordinality as wanted (owner_kind, owner_id, purpose, asset, place)
  join ledger.account_name using (owner_kind, owner_id, purpose, asset)`)

/** The ids of the accounts named, in their order; those that are missing are made. Two callers at once get the same ids. */
export async function ensureAccounts(tx: Tx, names: readonly AccountName[]): Promise<bigint[]> {
  if (names.length === 0) return []
  const known = await idsOf(tx, names)
  const missing = names.filter((_, i) => known[i] === undefined)
  if (missing.length === 0) return known as bigint[]
  tx.send(insertMissing, [...columnsOf(missing), int8Array(missing.map((name) => name.credit_limit))])
  const ids = await idsOf(tx, names)
  return names.map((name, i) => present(ids[i], `ledger account of ${name.owner_kind} ${name.purpose}`))
}

async function idsOf(tx: Tx, names: readonly AccountName[]): Promise<(bigint | undefined)[]> {
  const rows = await tx.query<{ id: bigint; place: bigint }>(selectNamed, columnsOf(names))
  const ids = new Map(rows.map((row) => [row.place, row.id]))
  return names.map((_, i) => ids.get(BigInt(i + 1)))
}

function columnsOf(names: readonly AccountName[]): unknown[] {
  return [
    textArray(names.map((name) => name.owner_kind)),
    int8Array(names.map((name) => name.owner_id)),
    textArray(names.map((name) => name.purpose)),
    textArray(names.map((name) => name.asset)),
  ]
}
