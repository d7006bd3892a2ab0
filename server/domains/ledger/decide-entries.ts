import { AMOUNT_MAX } from '#server/kit/money.ts'
import type { Entry, EntryOutcome, Movement, Refusal, Subject } from './entry.ts'

/** An account as locked, then as it will be written. */
export interface LockedAccount {
  id: bigint
  asset: string
  posted: bigint
  held: bigint
  credit_limit: bigint | null
  version: bigint
}

/** A hold as locked, then as it will be written. */
export interface LockedHold {
  id: bigint
  account: bigint
  amount: bigint
  captured: bigint
  released: bigint
  expired: boolean
}

/** A transfer named by a reversal. */
export interface KnownTransfer {
  id: bigint
  debit: bigint
  credit: bigint
  amount: bigint
  reversed: boolean
}

/** What the ledger remembers of a key. */
export interface KnownEntry {
  key: string
  id: bigint | null
  hash: string
  outcome: string
}

/** All that a decision may read, under lock. Deciding runs the balances in it down and up. */
export interface Book {
  accounts: Map<bigint, LockedAccount>
  holds: Map<bigint, LockedHold>
  transfers: Map<bigint, KnownTransfer>
  entries: Map<string, KnownEntry>
}

export interface NewTransfer {
  id: bigint
  entry: bigint
  debit: bigint
  credit: bigint
  amount: bigint
  reason: string
  hold: bigint | null
  subject: Subject | undefined
  debit_posted: bigint
  debit_version: bigint
  credit_posted: bigint
  credit_version: bigint
}

export interface NewHold {
  id: bigint
  entry: bigint
  account: bigint
  amount: bigint
  expires_at: Date | undefined
  subject: Subject | undefined
  posted: bigint
  version: bigint
}

export interface NewRelease {
  id: bigint
  entry: bigint
  hold: bigint
  account: bigint
  amount: bigint
  posted: bigint
  version: bigint
}

/** What a posting writes. Only rows that changed. */
export interface Writes {
  entries: KnownEntry[]
  transfers: NewTransfer[]
  holds: NewHold[]
  releases: NewRelease[]
  reversals: { transfer: bigint; reversed_by: bigint }[]
  accounts: Set<LockedAccount>
  usedHolds: Set<LockedHold>
  movements: number
}

/**
 * Decides entries one after another, in their order, over the locked rows. Pure: it changes only `book` and answers what to write. A refused
 * entry leaves every balance as it was. `hashes` are the entries' contentHash. Ids run from `first_id` without a gap.
 */
export function decideEntries(
  entries: readonly Entry[],
  hashes: readonly string[],
  book: Book,
  first_id: bigint,
): { outcomes: EntryOutcome[]; writes: Writes } {
  const writes: Writes = {
    entries: [],
    transfers: [],
    holds: [],
    releases: [],
    reversals: [],
    accounts: new Set(),
    usedHolds: new Set(),
    movements: 0,
  }
  const outcomes: EntryOutcome[] = new Array(entries.length)
  for (let i = 0; i < entries.length; i++) {
    outcomes[i] = decideEntry(entries[i] as Entry, hashes[i] as string, book, first_id, writes)
  }
  return { outcomes, writes }
}

function decideEntry(entry: Entry, hash: string, book: Book, first_id: bigint, writes: Writes): EntryOutcome {
  const known = book.entries.get(entry.key)
  if (known) return replay(known, hash)
  const id = first_id + BigInt(writes.movements)
  const work = new EntryWork(book, writes, id)
  const refusal = work.apply(entry.movements)
  const stored: KnownEntry = { key: entry.key, id: refusal ? null : id, hash, outcome: refusal ?? 'posted' }
  book.entries.set(entry.key, stored)
  writes.entries.push(stored)
  return refusal ? { ok: false, refusal, replayed: false } : { ok: true, id, replayed: false }
}

function replay(known: KnownEntry, hash: string): EntryOutcome {
  if (known.hash.replaceAll('-', '') !== hash) return { ok: false, refusal: 'key_reused', replayed: true }
  if (known.id !== null) return { ok: true, id: known.id, replayed: true }
  return { ok: false, refusal: known.outcome as Refusal, replayed: true }
}

/** One entry's way through the book. It writes down how to undo each step, for an entry moves wholly or not at all. */
class EntryWork {
  readonly #book: Book
  readonly #writes: Writes
  readonly #entry: bigint
  readonly #undo: (() => void)[] = []

  constructor(book: Book, writes: Writes, entry: bigint) {
    this.#book = book
    this.#writes = writes
    this.#entry = entry
  }

  apply(movements: readonly Movement[]): Refusal | undefined {
    for (let i = 0; i < movements.length; i++) {
      const refusal = this.#move(movements[i] as Movement, this.#entry + BigInt(i))
      if (!refusal) continue
      for (let j = this.#undo.length - 1; j >= 0; j--) this.#undo[j]?.()
      return refusal
    }
    this.#writes.movements += movements.length
    return undefined
  }

  #move(m: Movement, id: bigint): Refusal | undefined {
    switch (m.kind) {
      case 'transfer':
        return this.#transfer(id, m, null)
      case 'hold':
        return this.#placeHold(id, m)
      case 'capture':
        return this.#capture(id, m)
      case 'release':
        return this.#release(id, m)
      case 'reverse':
        return this.#reverse(id, m)
    }
  }

  #transfer(
    id: bigint,
    m: { debit: bigint; credit: bigint; amount: bigint; reason: string; subject?: Subject | undefined },
    hold: LockedHold | null,
  ): Refusal | undefined {
    const debit = this.#book.accounts.get(m.debit)
    const credit = this.#book.accounts.get(m.credit)
    if (!debit || !credit) return 'account_not_found'
    if (debit === credit) return 'same_account'
    if (debit.asset !== credit.asset) return 'asset_mismatch'
    if (!inRange(m.amount)) return 'amount_out_of_range'
    const held = hold ? debit.held - m.amount : debit.held
    if (!covered(debit, debit.posted - m.amount, held)) return 'insufficient_funds'
    if (!storable(debit.posted - m.amount) || !storable(credit.posted + m.amount)) return 'amount_out_of_range'
    this.#change(debit, debit.posted - m.amount, held)
    this.#change(credit, credit.posted + m.amount, credit.held)
    this.#push(this.#writes.transfers, {
      id,
      entry: this.#entry,
      debit: debit.id,
      credit: credit.id,
      amount: m.amount,
      reason: m.reason,
      hold: hold?.id ?? null,
      subject: m.subject,
      debit_posted: debit.posted,
      debit_version: debit.version,
      credit_posted: credit.posted,
      credit_version: credit.version,
    })
    return undefined
  }

  #placeHold(id: bigint, m: Extract<Movement, { kind: 'hold' }>): Refusal | undefined {
    const account = this.#book.accounts.get(m.account)
    if (!account) return 'account_not_found'
    if (!inRange(m.amount)) return 'amount_out_of_range'
    if (!covered(account, account.posted, account.held + m.amount)) return 'insufficient_funds'
    if (!storable(account.held + m.amount)) return 'amount_out_of_range'
    this.#change(account, account.posted, account.held + m.amount)
    const { posted, version } = account
    const { amount, expires_at, subject } = m
    this.#push(this.#writes.holds, {
      id,
      entry: this.#entry,
      account: account.id,
      amount,
      expires_at,
      subject,
      posted,
      version,
    })
    return undefined
  }

  #capture(id: bigint, m: Extract<Movement, { kind: 'capture' }>): Refusal | undefined {
    const hold = this.#book.holds.get(m.hold)
    if (!hold) return 'hold_not_found'
    if (hold.expired) return 'hold_expired'
    const amount = amountOf(hold, m.amount)
    if (typeof amount === 'string') return amount
    this.#use(hold, 'captured', amount)
    return this.#transfer(id, { ...m, debit: hold.account, amount }, hold)
  }

  #release(id: bigint, m: Extract<Movement, { kind: 'release' }>): Refusal | undefined {
    const hold = this.#book.holds.get(m.hold)
    if (!hold) return 'hold_not_found'
    const amount = amountOf(hold, m.amount)
    if (typeof amount === 'string') return amount
    const account = this.#book.accounts.get(hold.account)
    if (!account) return 'account_not_found'
    this.#use(hold, 'released', amount)
    this.#change(account, account.posted, account.held - amount)
    const { posted, version } = account
    this.#push(this.#writes.releases, {
      id,
      entry: this.#entry,
      hold: hold.id,
      account: account.id,
      amount,
      posted,
      version,
    })
    return undefined
  }

  #reverse(id: bigint, m: Extract<Movement, { kind: 'reverse' }>): Refusal | undefined {
    const transfer = this.#book.transfers.get(m.transfer)
    if (!transfer) return 'transfer_not_found'
    if (transfer.reversed) return 'already_reversed'
    transfer.reversed = true
    this.#undo.push(() => {
      transfer.reversed = false
    })
    this.#push(this.#writes.reversals, { transfer: transfer.id, reversed_by: id })
    return this.#transfer(id, { ...m, debit: transfer.credit, credit: transfer.debit, amount: transfer.amount }, null)
  }

  #change(account: LockedAccount, posted: bigint, held: bigint): void {
    const before = { posted: account.posted, held: account.held, version: account.version }
    const first = !this.#writes.accounts.has(account)
    this.#undo.push(() => {
      Object.assign(account, before)
      if (first) this.#writes.accounts.delete(account)
    })
    account.posted = posted
    account.held = held
    account.version += 1n
    this.#writes.accounts.add(account)
  }

  #use(hold: LockedHold, part: 'captured' | 'released', amount: bigint): void {
    const first = !this.#writes.usedHolds.has(hold)
    this.#undo.push(() => {
      hold[part] -= amount
      if (first) this.#writes.usedHolds.delete(hold)
    })
    hold[part] += amount
    this.#writes.usedHolds.add(hold)
  }

  #push<T>(rows: T[], row: T): void {
    rows.push(row)
    this.#undo.push(() => rows.pop())
  }
}

function amountOf(hold: LockedHold, asked: bigint | 'rest'): bigint | Refusal {
  const left = hold.amount - hold.captured - hold.released
  const amount = asked === 'rest' ? left : asked
  if (amount > left || left === 0n) return 'hold_exceeded'
  return inRange(amount) ? amount : 'amount_out_of_range'
}

function covered(account: LockedAccount, posted: bigint, held: bigint): boolean {
  return account.credit_limit === null || posted - held >= -account.credit_limit
}

function inRange(amount: bigint): boolean {
  return amount > 0n && amount <= AMOUNT_MAX
}

function storable(value: bigint): boolean {
  return value <= AMOUNT_MAX && value >= -AMOUNT_MAX
}
