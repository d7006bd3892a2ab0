import { invariant, present } from '#server/kit/invariant.ts'
import { int8Array, textColumn } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import type { KnownEntry, KnownTransfer, LockedHold } from './book.ts'
import { checkEntry } from './check-entry.ts'
import { type Admit, decideEntries } from './decide-entries.ts'
import { contentHash, type Entry, type EntryOutcome, MOVEMENTS_MAX } from './entry.ts'
import { lockAccounts } from './lock-accounts.ts'
import { type Block, firstIdOf, writeEntries } from './write-entries.ts'

/**
 * Posts entries: the only way into the ledger. As many statements for one entry as for thousands: lock the accounts and holds, each sorted by id; read what is
 * known of the keys, after the locks, so that a twin has committed; decide; write. Outcome i answers entry i; a refused entry does
 * not fail its neighbours, and its refusal is what its key answers for ever. Call it once a transaction: a second call could lock against the order.
 * InvariantError for an entry that cannot be stored, and beyond MOVEMENTS_MAX movements. The writes are sent, not awaited: their failure fails the commit.
 * `beside` is called when the locks are on the wire: what it sends runs behind them, in the same round trip. It may put ids that it draws into subjects; such
 * entries have a `content`. It may answer who is asked, at last and in order, about each entry that can be posted now: one that is not admitted is refused
 * as `withheld`, and its key is as if it had not been used.
 */
export async function postEntries(
  tx: Tx,
  entries: readonly Entry[],
  beside?: () => Promise<Admit | undefined>,
): Promise<EntryOutcome[]> {
  if (entries.length === 0) return []
  for (const entry of entries) checkEntry(entry)
  return postChecked(tx, entries, entries.map(contentHash), beside)
}

/** As postEntries, for entries that passed checkEntry; `hashes` are their contentHash. */
export async function postChecked(
  tx: Tx,
  entries: readonly Entry[],
  hashes: readonly string[],
  beside?: () => Promise<Admit | undefined>,
): Promise<EntryOutcome[]> {
  const named = namedBy(entries)
  invariant(named.movements <= MOVEMENTS_MAX, `postEntries: more than ${MOVEMENTS_MAX} movements`)
  const transfers = await readTransfers(tx, named.transfers)
  for (const transfer of transfers.values()) named.accounts.push(transfer.debit, transfer.credit)
  const [accounts, holds, known, reversed, blocks, admit] = await Promise.all([
    lockAccounts(tx, named.accounts, named.holds),
    lockHolds(tx, named.holds),
    knownEntries(tx, entries),
    reversedOf(tx, named.transfers),
    tx.query<Block>(drawBlock),
    beside?.(),
  ])
  for (const id of reversed) present(transfers.get(id), 'a reversed transfer was read').reversed = true
  const book = { accounts, holds, transfers, entries: known }
  const block = present(blocks[0], 'a block')
  const { outcomes, writes } = decideEntries(entries, hashes, book, firstIdOf(block.block), admit)
  writeEntries(tx, book, writes, block)
  return outcomes
}

interface Named {
  /** Some of them more than once. */
  accounts: bigint[]
  holds: Set<bigint>
  transfers: Set<bigint>
  movements: number
}

function namedBy(entries: readonly Entry[]): Named {
  const named: Named = { accounts: [], holds: new Set(), transfers: new Set(), movements: 0 }
  for (const entry of entries) {
    named.movements += entry.movements.length
    for (const m of entry.movements) {
      if (m.kind === 'transfer') named.accounts.push(m.debit, m.credit)
      else if (m.kind === 'hold') named.accounts.push(m.account)
      else if (m.kind === 'reverse') named.transfers.add(m.transfer)
      else named.holds.add(m.hold)
      if (m.kind === 'capture') named.accounts.push(m.credit)
    }
  }
  return named
}

// Drawn under the locks, so that of two versions of an account the later has the higher block and no earlier moment.
const drawBlock = statement(`select nextval('ledger.block') as block, clock_timestamp()::text as at`)

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
  select id, account, amount, captured, released, captured + released as locked_use,
    coalesce(expires_at <= clock_timestamp(), false) as expired
  from ledger.hold where id = any($1::bigint[]) order by id for no key update`)

async function lockHolds(tx: Tx, ids: Set<bigint>): Promise<Map<bigint, LockedHold>> {
  if (ids.size === 0) return new Map()
  const rows = await tx.query<LockedHold>(selectHolds, [int8Array([...ids])])
  return new Map(rows.map((row) => [row.id, row]))
}

const selectEntries = statement('select key, id, hash, refusal from ledger.entry where key = any($1::text[])')

async function knownEntries(tx: Tx, entries: readonly Entry[]): Promise<Map<string, KnownEntry>> {
  const keys = entries.map(({ key }) => key).filter((key) => key !== undefined)
  if (keys.length === 0) return new Map()
  const rows = await tx.query<KnownEntry>(selectEntries, [textColumn(keys, (key) => key)])
  return new Map(rows.map((row) => [row.key, row]))
}
