import { dateArray, int8Column, textColumn, tidColumn, uuidColumn } from '#server/platform/db/arrays.ts'
import { type Statement, statement, type Tx } from '#server/platform/db/database.ts'
import type { Book, KnownEntry, LockedAccount, LockedHold, NewHold, NewRelease, NewTransfer, Writes } from './book.ts'
import { MOVEMENTS_MAX } from './entry.ts'

/** The block of ids that a posting drew, and its moment as PostgreSQL writes it. */
export interface Block {
  block: bigint
  at: string
}

/**
 * Sends what was decided: the accounts and holds that changed, and all new rows. As many statements as kinds of rows. Sent, not awaited: a
 * failure fails the commit. Each statement leaves before the next is put together, so that the server works meanwhile.
 */
export function writeEntries(tx: Tx, book: Book, writes: Writes, { block, at }: Block): void {
  const { entries, transfers, holds, releases } = writes
  const reversals = transfers.filter((row) => row.reverses !== null)
  sendRows(tx, updateBalances, changedAccounts(book), balanceColumns)
  sendRows(tx, insertEntries, entries, entryColumns)
  sendRows(tx, insertTransfers, transfers, (rows) => [...transferColumns(rows), at])
  sendRows(tx, insertHolds, holds, (rows) => [...holdColumns(rows), at])
  sendRows(tx, updateHolds, changedHolds(book), useColumns)
  sendRows(tx, insertReleases, releases, (rows) => [...releaseColumns(rows), at])
  sendRows(tx, insertReversals, reversals, reversalColumns)
  if (writes.movements > 0) tx.send(insertUnsealed, [block, writes.movements, at])
}

/** The first id of a block. */
export function firstIdOf(block: bigint): bigint {
  return block * BigInt(MOVEMENTS_MAX)
}

function sendRows<T>(tx: Tx, sql: Statement, rows: T[], columns: (rows: T[]) => unknown[]): void {
  if (rows.length > 0) tx.send(sql, columns(rows))
}

// In all of these the arrays are unnested side by side in the select list: as a table of the from clause each would be written down first, at twice the cost.

// By its place a row is found at once; that all were found is made sure of.
const updateBalances = statement(`
  with changed as (
    update ledger.balance set posted = new.posted, held = new.held, version = new.version
    from (select unnest($1::tid[]) as place, unnest($2::bigint[]) as account, unnest($3::bigint[]) as posted,
      unnest($4::bigint[]) as held, unnest($5::bigint[]) as version) as new
    where balance.ctid = new.place and balance.account = new.account
    returning 1
  )
  select ledger.require_all((select count(*) from changed), $6)`)

const insertEntries = statement(`
  insert into ledger.entry (key, id, hash, refusal)
  select unnest($1::text[]), unnest($2::bigint[]), unnest($3::uuid[]), unnest($4::text[])`)

const insertTransfers = statement(`
  insert into ledger.transfer (id, entry, debit, credit, amount, hold, reverses, debit_posted, debit_held, debit_version,
    credit_posted, credit_held, credit_version, subject_id, reason, subject_kind, at)
  select unnest($1::bigint[]), unnest($2::bigint[]), unnest($3::bigint[]), unnest($4::bigint[]), unnest($5::bigint[]),
    unnest($6::bigint[]), unnest($7::bigint[]), unnest($8::bigint[]), unnest($9::bigint[]), unnest($10::bigint[]),
    unnest($11::bigint[]), unnest($12::bigint[]), unnest($13::bigint[]), unnest($14::bigint[]), unnest($15::text[]),
    unnest($16::text[]), $17::timestamptz`)

const insertHolds = statement(`
  insert into ledger.hold (id, entry, account, amount, posted, held, version, subject_id, expires_at, subject_kind, at)
  select unnest($1::bigint[]), unnest($2::bigint[]), unnest($3::bigint[]), unnest($4::bigint[]), unnest($5::bigint[]),
    unnest($6::bigint[]), unnest($7::bigint[]), unnest($8::bigint[]), unnest($9::timestamptz[]), unnest($10::text[]),
    $11::timestamptz`)

const updateHolds = statement(`
  update ledger.hold set captured = new.captured, released = new.released,
    state = case when new.captured + new.released = hold.amount then 'closed' else 'open' end
  from (select unnest($1::bigint[]) as id, unnest($2::bigint[]) as captured, unnest($3::bigint[]) as released) as new
  where hold.id = new.id`)

const insertReleases = statement(`
  insert into ledger.release (id, entry, hold, account, amount, posted, held, version, at)
  select unnest($1::bigint[]), unnest($2::bigint[]), unnest($3::bigint[]), unnest($4::bigint[]), unnest($5::bigint[]),
    unnest($6::bigint[]), unnest($7::bigint[]), unnest($8::bigint[]), $9::timestamptz`)

const insertReversals = statement(`
  insert into ledger.reversal (transfer, reversed_by) select unnest($1::bigint[]), unnest($2::bigint[])`)

const insertUnsealed = statement('insert into ledger.unsealed (block, movements, at) values ($1, $2, $3::timestamptz)')

function changedAccounts(book: Book): LockedAccount[] {
  return [...book.accounts.values()].filter((account) => account.version !== account.locked_version)
}

function changedHolds(book: Book): LockedHold[] {
  return [...book.holds.values()].filter((hold) => hold.captured + hold.released !== hold.locked_use)
}

function balanceColumns(rows: LockedAccount[]): unknown[] {
  return [
    tidColumn(rows, (row) => row.place),
    int8Column(rows, (row) => row.id),
    int8Column(rows, (row) => row.posted),
    int8Column(rows, (row) => row.held),
    int8Column(rows, (row) => row.version),
    rows.length,
  ]
}

function entryColumns(rows: KnownEntry[]): unknown[] {
  return [
    textColumn(rows, (row) => row.key),
    int8Column(rows, (row) => row.id),
    uuidColumn(rows, (row) => row.hash),
    textColumn(rows, (row) => row.refusal),
  ]
}

function transferColumns(rows: NewTransfer[]): unknown[] {
  return [
    int8Column(rows, (row) => row.id),
    int8Column(rows, (row) => row.entry),
    int8Column(rows, (row) => row.debit),
    int8Column(rows, (row) => row.credit),
    int8Column(rows, (row) => row.amount),
    int8Column(rows, (row) => row.hold),
    int8Column(rows, (row) => row.reverses),
    int8Column(rows, (row) => row.debit_posted),
    int8Column(rows, (row) => row.debit_held),
    int8Column(rows, (row) => row.debit_version),
    int8Column(rows, (row) => row.credit_posted),
    int8Column(rows, (row) => row.credit_held),
    int8Column(rows, (row) => row.credit_version),
    int8Column(rows, (row) => row.subject?.id ?? null),
    textColumn(rows, (row) => row.reason),
    textColumn(rows, (row) => row.subject?.kind ?? null),
  ]
}

function holdColumns(rows: NewHold[]): unknown[] {
  return [
    int8Column(rows, (row) => row.id),
    int8Column(rows, (row) => row.entry),
    int8Column(rows, (row) => row.account),
    int8Column(rows, (row) => row.amount),
    int8Column(rows, (row) => row.posted),
    int8Column(rows, (row) => row.held),
    int8Column(rows, (row) => row.version),
    int8Column(rows, (row) => row.subject?.id ?? null),
    dateArray(rows.map((row) => row.expires_at)),
    textColumn(rows, (row) => row.subject?.kind ?? null),
  ]
}

function useColumns(rows: LockedHold[]): unknown[] {
  return [
    int8Column(rows, (row) => row.id),
    int8Column(rows, (row) => row.captured),
    int8Column(rows, (row) => row.released),
  ]
}

function releaseColumns(rows: NewRelease[]): unknown[] {
  return [
    int8Column(rows, (row) => row.id),
    int8Column(rows, (row) => row.entry),
    int8Column(rows, (row) => row.hold),
    int8Column(rows, (row) => row.account),
    int8Column(rows, (row) => row.amount),
    int8Column(rows, (row) => row.posted),
    int8Column(rows, (row) => row.held),
    int8Column(rows, (row) => row.version),
  ]
}

function reversalColumns(rows: NewTransfer[]): unknown[] {
  return [int8Column(rows, (row) => row.reverses), int8Column(rows, (row) => row.id)]
}
