import { present, unreachable } from '#server/kit/invariant.ts'
import { AMOUNT_MAX } from '#server/kit/money.ts'
import type { Book, KnownEntry, LockedAccount, LockedHold, Writes } from './book.ts'
import {
  type Capture,
  type Entry,
  type EntryOutcome,
  type Movement,
  ownKeyOf,
  type PlaceHold,
  type Refusal,
  type Release,
  type Reverse,
  type Transfer,
} from './entry.ts'

/** Whether the entry at this place in the batch, which the book allows, is to be posted. */
export type Admit = (place: number) => boolean

/**
 * Decides entries one after another, in their order, over the locked rows. Pure: it changes only `book` and answers what to write. A refused
 * entry leaves every balance as it was; one that is not admitted is not stored either. `hashes` are the entries' contentHash. Ids run from `first_id` without a gap.
 */
export function decideEntries(
  entries: readonly Entry[],
  hashes: readonly string[],
  book: Book,
  first_id: bigint,
  admit: Admit = () => true,
): { outcomes: EntryOutcome[]; writes: Writes } {
  const posting = new Posting(book, first_id)
  const outcomes = entries.map((entry, i) => posting.decide(entry, hashes[i] as string, () => admit(i)))
  return { outcomes, writes: posting.writes }
}

/**
 * One posting's way through the book. Every movement checks all before it changes anything, so a refused one has changed nothing; those of its entry
 * that went before it are taken back, last first, by the rows they left.
 */
class Posting {
  readonly writes: Writes = { entries: [], transfers: [], holds: [], releases: [], movements: 0 }
  readonly #book: Book
  readonly #first_id: bigint
  /** Of the entry being decided. */
  #entry = 0n

  constructor(book: Book, first_id: bigint) {
    this.#book = book
    this.#first_id = first_id
  }

  decide(entry: Entry, hash: string, isAdmitted: () => boolean): EntryOutcome {
    const known = entry.key === undefined ? undefined : this.#book.entries.get(entry.key)
    if (known) return replay(known, hash)
    const id = this.#first_id + BigInt(this.writes.movements)
    this.#entry = id
    const refusal = this.#apply(entry.movements)
    if (!refusal && !isAdmitted()) {
      this.#takeBack()
      return { ok: false, refusal: 'withheld', replayed: false }
    }
    this.#keep(entry.key, { id: refusal ? null : id, hash, refusal: refusal ?? null })
    if (refusal) return { ok: false, refusal, replayed: false }
    this.writes.movements += entry.movements.length
    return { ok: true, id, replayed: false }
  }

  /** Under its own id where it has no key: nobody can ask for it again, so that a refusal is not kept. */
  #keep(key: string | undefined, outcome: Omit<KnownEntry, 'key'>): void {
    if (key === undefined) {
      if (outcome.id !== null) this.writes.entries.push({ key: ownKeyOf(outcome.id), ...outcome })
      return
    }
    const stored = { key, ...outcome }
    this.#book.entries.set(key, stored)
    this.writes.entries.push(stored)
  }

  #apply(movements: readonly Movement[]): Refusal | undefined {
    for (let i = 0; i < movements.length; i++) {
      const refusal = this.#move(movements[i] as Movement, this.#entry + BigInt(i))
      if (!refusal) continue
      if (i > 0) this.#takeBack()
      return refusal
    }
    return undefined
  }

  #move(m: Movement, id: bigint): Refusal | undefined {
    switch (m.kind) {
      case 'transfer':
        return this.#transfer(id, m, null, null)
      case 'hold':
        return this.#placeHold(id, m)
      case 'capture':
        return this.#capture(id, m)
      case 'release':
        return this.#release(id, m)
      case 'reverse':
        return this.#reverse(id, m)
      default:
        return unreachable(m)
    }
  }

  #transfer(
    id: bigint,
    m: Omit<Transfer, 'kind'>,
    hold: LockedHold | null,
    reverses: bigint | null,
  ): Refusal | undefined {
    const debit = this.#book.accounts.get(m.debit)
    const credit = this.#book.accounts.get(m.credit)
    if (!debit || !credit) return 'account_not_found'
    if (debit === credit) return 'same_account'
    if (debit.asset !== credit.asset) return 'asset_mismatch'
    const { amount, reason, subject } = m
    if (!inRange(amount)) return 'amount_out_of_range'
    const refusal =
      obstacle(debit, debit.posted - amount, hold ? debit.held - amount : debit.held) ??
      obstacle(credit, credit.posted + amount, credit.held)
    if (refusal) return refusal
    debit.posted -= amount
    debit.version += 1n
    if (hold) {
      debit.held -= amount
      hold.captured += amount
    }
    credit.posted += amount
    credit.version += 1n
    this.writes.transfers.push({
      id,
      entry: this.#entry,
      debit: debit.id,
      credit: credit.id,
      amount,
      reason,
      hold: hold ? hold.id : null,
      reverses,
      subject,
      debit_posted: debit.posted,
      debit_held: debit.held,
      debit_version: debit.version,
      credit_posted: credit.posted,
      credit_held: credit.held,
      credit_version: credit.version,
    })
    return undefined
  }

  #placeHold(id: bigint, m: PlaceHold): Refusal | undefined {
    const account = this.#book.accounts.get(m.account)
    if (!account) return 'account_not_found'
    const { amount, expires_at, subject } = m
    if (!inRange(amount)) return 'amount_out_of_range'
    const refusal = obstacle(account, account.posted, account.held + amount)
    if (refusal) return refusal
    account.held += amount
    account.version += 1n
    const { posted, held, version } = account
    this.writes.holds.push({
      id,
      entry: this.#entry,
      account: account.id,
      amount,
      expires_at,
      subject,
      posted,
      held,
      version,
    })
    return undefined
  }

  #capture(id: bigint, m: Capture): Refusal | undefined {
    const hold = this.#book.holds.get(m.hold)
    if (!hold) return 'hold_not_found'
    if (hold.expired) return 'hold_expired'
    const amount = amountOf(hold, m.amount)
    if (typeof amount === 'string') return amount
    const { credit, reason, subject } = m
    return this.#transfer(id, { debit: hold.account, credit, amount, reason, subject }, hold, null)
  }

  #release(id: bigint, m: Release): Refusal | undefined {
    const hold = this.#book.holds.get(m.hold)
    if (!hold) return 'hold_not_found'
    const amount = amountOf(hold, m.amount)
    if (typeof amount === 'string') return amount
    const account = this.#account(hold.account)
    hold.released += amount
    account.held -= amount
    account.version += 1n
    const { posted, held, version } = account
    this.writes.releases.push({
      id,
      entry: this.#entry,
      hold: hold.id,
      account: account.id,
      amount,
      posted,
      held,
      version,
    })
    return undefined
  }

  #reverse(id: bigint, m: Reverse): Refusal | undefined {
    const transfer = this.#book.transfers.get(m.transfer)
    if (!transfer) return 'transfer_not_found'
    if (transfer.reversed) return 'already_reversed'
    const { debit, credit, amount } = transfer
    const { reason, subject } = m
    const refusal = this.#transfer(id, { debit: credit, credit: debit, amount, reason, subject }, null, transfer.id)
    if (refusal) return refusal
    transfer.reversed = true
    return undefined
  }

  /** Undoes what the entry at hand has done so far. All of it is sums, so the order between kinds does not matter. */
  #takeBack(): void {
    const { transfers, holds, releases } = this.writes
    for (const row of cut(transfers, this.#isOfEntry)) {
      const debit = this.#account(row.debit)
      const credit = this.#account(row.credit)
      debit.posted += row.amount
      debit.version -= 1n
      credit.posted -= row.amount
      credit.version -= 1n
      if (row.reverses !== null) {
        present(this.#book.transfers.get(row.reverses), 'a reversed transfer was read').reversed = false
      }
      if (row.hold === null) continue
      debit.held += row.amount
      this.#hold(row.hold).captured -= row.amount
    }
    for (const row of cut(holds, this.#isOfEntry)) {
      const account = this.#account(row.account)
      account.held -= row.amount
      account.version -= 1n
    }
    for (const row of cut(releases, this.#isOfEntry)) {
      const account = this.#account(row.account)
      account.held += row.amount
      account.version -= 1n
      this.#hold(row.hold).released -= row.amount
    }
  }

  #isOfEntry = (row: { entry: bigint }): boolean => row.entry === this.#entry

  #account(id: bigint): LockedAccount {
    return present(this.#book.accounts.get(id), `account ${id} is locked`)
  }

  #hold(id: bigint): LockedHold {
    return present(this.#book.holds.get(id), `hold ${id} is locked`)
  }
}

function replay(known: KnownEntry, hash: string): EntryOutcome {
  if (known.hash.replaceAll('-', '') !== hash) return { ok: false, refusal: 'key_reused', replayed: true }
  if (known.id !== null) return { ok: true, id: known.id, replayed: true }
  return { ok: false, refusal: known.refusal as Refusal, replayed: true }
}

function amountOf(hold: LockedHold, asked: bigint | 'rest'): bigint | Refusal {
  const left = hold.amount - hold.captured - hold.released
  const amount = asked === 'rest' ? left : asked
  if (amount > left || left === 0n) return 'hold_exceeded'
  return inRange(amount) ? amount : 'amount_out_of_range'
}

/** Why an account cannot stand at these values. */
function obstacle(account: LockedAccount, posted: bigint, held: bigint): Refusal | undefined {
  const available = posted - held
  if (account.credit_limit !== null && available < -account.credit_limit) return 'insufficient_funds'
  return storable(posted) && storable(held) && storable(available) ? undefined : 'amount_out_of_range'
}

function inRange(amount: bigint): boolean {
  return amount > 0n && amount <= AMOUNT_MAX
}

function storable(value: bigint): boolean {
  return value <= AMOUNT_MAX && value >= -AMOUNT_MAX
}

/** Takes the rows at the end for which `isCut` holds off the array. */
function cut<T>(rows: T[], isCut: (row: T) => boolean): T[] {
  let end = rows.length
  while (end > 0 && isCut(rows[end - 1] as T)) end -= 1
  return rows.splice(end)
}
