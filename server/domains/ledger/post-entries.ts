import { invariant, present } from '#server/kit/invariant.ts'
import { dateArray, int8Array, textArray } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import {
  type Book,
  decideEntries,
  type KnownEntry,
  type KnownTransfer,
  type LockedHold,
  type Writes,
} from './decide-entries.ts'
import { contentHash, type Entry, type EntryOutcome, MOVEMENTS_MAX } from './entry.ts'
import { lockAccounts } from './lock-accounts.ts'

/**
 * Posts entries: the only way into the ledger. As many statements for one entry as for thousands: lock the accounts and holds, each sorted by id; read what is
 * known of the keys, after the locks, so that a twin has committed; decide; write. Outcome i answers entry i; a refused entry does
 * not fail its neighbours, and its refusal is what its key answers for ever. Call it once a transaction: a second call could lock against the order.
 * InvariantError beyond MOVEMENTS_MAX movements. The writes are sent, not awaited: their failure fails the commit.
 */
export async function postEntries(tx: Tx, entries: readonly Entry[]): Promise<EntryOutcome[]> {
  if (entries.length === 0) return []
  const named = namedBy(entries)
  invariant(named.movements <= MOVEMENTS_MAX, `postEntries: more than ${MOVEMENTS_MAX} movements`)
  const transfers = await readTransfers(tx, named.transfers)
  for (const transfer of transfers.values()) named.accounts.add(transfer.debit).add(transfer.credit)
  const reading = Promise.all([
    lockAccounts(tx, named.accounts, named.holds),
    lockHolds(tx, named.holds),
    knownEntries(tx, entries),
    reversedOf(tx, named.transfers),
    tx.query<{ block: bigint }>(drawBlock),
  ])
  // While the server locks and reads.
  const hashes = entries.map(contentHash)
  const [accounts, holds, known, reversed, block] = await reading
  for (const id of reversed) present(transfers.get(id), 'a reversed transfer was read').reversed = true
  const book: Book = { accounts, holds, transfers, entries: known }
  const first_id = present(block[0], 'a block').block * BigInt(MOVEMENTS_MAX)
  const { outcomes, writes } = decideEntries(entries, hashes, book, first_id)
  write(tx, writes, first_id)
  return outcomes
}

interface Named {
  accounts: Set<bigint>
  holds: Set<bigint>
  transfers: Set<bigint>
  movements: number
}

function namedBy(entries: readonly Entry[]): Named {
  const named: Named = { accounts: new Set(), holds: new Set(), transfers: new Set(), movements: 0 }
  for (const entry of entries) {
    named.movements += entry.movements.length
    for (const m of entry.movements) {
      if (m.kind === 'transfer') named.accounts.add(m.debit).add(m.credit)
      else if (m.kind === 'hold') named.accounts.add(m.account)
      else if (m.kind === 'reverse') named.transfers.add(m.transfer)
      else named.holds.add(m.hold)
      if (m.kind === 'capture') named.accounts.add(m.credit)
    }
  }
  return named
}

const drawBlock = statement(`select nextval('ledger.block') as block`)

// What a transfer was never changes, so it is read before the locks, to know which accounts to lock.
const selectTransfers = statement(`
  select id, debit, credit, amount from ledger.transfer where id = any($1::bigint[])`)

async function readTransfers(tx: Tx, ids: Set<bigint>): Promise<Map<bigint, KnownTransfer>> {
  if (ids.size === 0) return new Map()
  const rows = await tx.query<Omit<KnownTransfer, 'reversed'>>(selectTransfers, [int8Array([...ids])])
  return new Map(rows.map((row) => [row.id, { ...row, reversed: false }]))
}

const selectReversed = statement('select transfer from ledger.reversal where transfer = any($1::bigint[])')

async function reversedOf(tx: Tx, ids: Set<bigint>): Promise<bigint[]> {
  if (ids.size === 0) return []
  const rows = await tx.query<{ transfer: bigint }>(selectReversed, [int8Array([...ids])])
  return rows.map((row) => row.transfer)
}

// Locked after the accounts, in the one order of the house.
const selectHolds = statement(`
  select id, account, amount, captured, released, coalesce(expires_at <= now(), false) as expired
  from ledger.hold where id = any($1::bigint[]) order by id for no key update`)

async function lockHolds(tx: Tx, ids: Set<bigint>): Promise<Map<bigint, LockedHold>> {
  if (ids.size === 0) return new Map()
  const rows = await tx.query<LockedHold>(selectHolds, [int8Array([...ids])])
  return new Map(rows.map((row) => [row.id, row]))
}

const selectEntries = statement('select key, id, hash, outcome from ledger.entry where key = any($1::text[])')

async function knownEntries(tx: Tx, entries: readonly Entry[]): Promise<Map<string, KnownEntry>> {
  const rows = await tx.query<KnownEntry>(selectEntries, [textArray(entries.map((entry) => entry.key))])
  return new Map(rows.map((row) => [row.key, row]))
}

const updateAccounts = statement(`
  update ledger.account set posted = new.posted, held = new.held, version = new.version
  from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[]) as new (id, posted, held, version)
  where account.id = new.id`)

const insertEntries = statement(`
  insert into ledger.entry (key, id, hash, outcome)
  select * from unnest($1::text[], $2::bigint[], $3::uuid[], $4::text[])`)

const insertTransfers = statement(`
  insert into ledger.transfer (id, entry, debit, credit, amount, hold, subject_id, debit_posted, debit_version,
    credit_posted, credit_version, reason, subject_kind)
  select * from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
    $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::text[], $13::text[])`)

const insertHolds = statement(`
  insert into ledger.hold (id, entry, account, amount, subject_id, posted, version, expires_at, subject_kind)
  select * from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
    $8::timestamptz[], $9::text[])`)

const updateHolds = statement(`
  update ledger.hold set captured = new.captured, released = new.released,
    state = case when new.captured + new.released = hold.amount then 'closed' else 'open' end
  from unnest($1::bigint[], $2::bigint[], $3::bigint[]) as new (id, captured, released)
  where hold.id = new.id`)

const insertReleases = statement(`
  insert into ledger.release (id, entry, hold, account, amount, posted, version)
  select * from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])`)

const insertReversals = statement(`
  insert into ledger.reversal (transfer, reversed_by) select * from unnest($1::bigint[], $2::bigint[])`)

const insertUnsealed = statement('insert into ledger.unsealed (block, movements) values ($1, $2)')

function write(tx: Tx, writes: Writes, first_id: bigint): void {
  const { entries, transfers, holds, releases, reversals } = writes
  if (writes.accounts.size > 0) {
    const rows = [...writes.accounts]
    tx.send(updateAccounts, [column(rows, 'id'), column(rows, 'posted'), column(rows, 'held'), column(rows, 'version')])
  }
  if (entries.length > 0) {
    tx.send(insertEntries, [
      textArray(entries.map((row) => row.key)),
      column(entries, 'id'),
      textArray(entries.map((row) => row.hash)),
      textArray(entries.map((row) => row.outcome)),
    ])
  }
  if (transfers.length > 0) tx.send(insertTransfers, transferColumns(transfers))
  if (holds.length > 0) tx.send(insertHolds, holdColumns(holds))
  if (writes.usedHolds.size > 0) {
    const rows = [...writes.usedHolds]
    tx.send(updateHolds, [column(rows, 'id'), column(rows, 'captured'), column(rows, 'released')])
  }
  if (releases.length > 0) {
    tx.send(
      insertReleases,
      (['id', 'entry', 'hold', 'account', 'amount', 'posted', 'version'] as const).map((name) =>
        column(releases, name),
      ),
    )
  }
  if (reversals.length > 0) {
    tx.send(insertReversals, [column(reversals, 'transfer'), column(reversals, 'reversed_by')])
  }
  if (writes.movements > 0) tx.send(insertUnsealed, [first_id / BigInt(MOVEMENTS_MAX), writes.movements])
}

function transferColumns(rows: Writes['transfers']): unknown[] {
  return [
    ...(['id', 'entry', 'debit', 'credit', 'amount', 'hold'] as const).map((name) => column(rows, name)),
    int8Array(rows.map((row) => row.subject?.id ?? null)),
    ...(['debit_posted', 'debit_version', 'credit_posted', 'credit_version'] as const).map((name) =>
      column(rows, name),
    ),
    textArray(rows.map((row) => row.reason)),
    textArray(rows.map((row) => row.subject?.kind)),
  ]
}

function holdColumns(rows: Writes['holds']): unknown[] {
  return [
    ...(['id', 'entry', 'account', 'amount'] as const).map((name) => column(rows, name)),
    int8Array(rows.map((row) => row.subject?.id ?? null)),
    column(rows, 'posted'),
    column(rows, 'version'),
    dateArray(rows.map((row) => row.expires_at)),
    textArray(rows.map((row) => row.subject?.kind)),
  ]
}

function column<K extends string>(rows: readonly { [P in K]: bigint | null }[], name: K): Buffer {
  return int8Array(rows.map((row) => row[name]))
}
