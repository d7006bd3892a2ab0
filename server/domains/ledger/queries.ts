import { int8Array } from '#server/platform/db/arrays.ts'
import { type Db, statement } from '#server/platform/db/database.ts'
import type { Subject } from './entry.ts'

/** Reads may stand alone or be part of a transaction. */
type Reader = Pick<Db, 'query'>

/** Minor units of the account's asset. `version` grows with every line: of two balances the one with the higher version is the newer. */
export interface Balance {
  posted: bigint
  held: bigint
  /** posted - held; may be below zero down to the credit limit. */
  available: bigint
  version: bigint
}

export interface Account extends Balance {
  id: bigint
  owner_kind: string
  owner_id: bigint
  purpose: string
  asset: string
  /** Null: without limit. */
  credit_limit: bigint | null
}

const selectAccount = statement(`
  select id, owner_kind, owner_id, purpose, asset, credit_limit, posted, held, posted - held as available, version
  from ledger.account where owner_kind = $1 and owner_id = $2 and purpose = $3 and asset = $4`)

/** The account of that name, or undefined. */
export async function accountNamed(
  db: Reader,
  name: { owner_kind: string; owner_id: bigint; purpose: string; asset: string },
): Promise<Account | undefined> {
  const { owner_kind, owner_id, purpose, asset } = name
  return (await db.query<Account>(selectAccount, [owner_kind, owner_id, purpose, asset]))[0]
}

const selectBalances = statement(`
  select account as id, posted, held, posted - held as available, version from ledger.balance
  where account = any($1::bigint[])`)

/** The balances of these accounts, by id; unknown ids are absent. */
export async function balancesOf(db: Reader, accounts: readonly bigint[]): Promise<Map<bigint, Balance>> {
  const rows = await db.query<Balance & { id: bigint }>(selectBalances, [int8Array(accounts)])
  return new Map(rows.map(({ id, ...balance }) => [id, balance]))
}

export interface OpenHold {
  id: bigint
  account: bigint
  amount: bigint
  captured: bigint
  released: bigint
  expires_at: Date | null
  at: Date
}

const selectOpenHolds = statement(`
  select id, account, amount, captured, released, expires_at, at from ledger.hold
  where subject_kind = $1 and subject_id = $2 and state = 'open' order by id limit 1000`)

/** The holds placed for a subject that still hold something, oldest first; the first thousand. */
export function openHoldsOf(db: Reader, subject: Subject): Promise<OpenHold[]> {
  return db.query<OpenHold>(selectOpenHolds, [subject.kind, subject.id])
}

const selectEntry = statement(`select key, id, coalesce(refusal, 'posted') as outcome from ledger.entry where key = $1`)

/** What became of a key: `posted` with the id of its first movement, or a refusal; undefined when it was never used. */
export async function entryByKey(
  db: Reader,
  key: string,
): Promise<{ key: string; id: bigint | null; outcome: string } | undefined> {
  return (await db.query<{ key: string; id: bigint | null; outcome: string }>(selectEntry, [key]))[0]
}

const selectLag = statement(`
  select count(*)::int as blocks, coalesce(extract(epoch from clock_timestamp() - min(at)) * 1000, 0)::float8 as age_ms
  from ledger.unsealed`)

/** How far the sealer is behind: postings not sealed yet, and the age of the oldest. */
export async function sealLag(db: Reader): Promise<{ blocks: number; age_ms: number }> {
  const [row] = await db.query<{ blocks: number; age_ms: number }>(selectLag)
  return row ?? { blocks: 0, age_ms: 0 }
}
