import type { RowPlace } from '#server/platform/db/arrays.ts'
import type { Subject } from './entry.ts'

/** An account as locked, then as it will be written. */
export interface LockedAccount {
  readonly id: bigint
  readonly asset: string
  readonly credit_limit: bigint | null
  /** Where its row lies: while it is locked it stays there. */
  readonly place: RowPlace
  /** The version found under the lock. What has another version now has changed. */
  readonly locked_version: bigint
  posted: bigint
  held: bigint
  version: bigint
}

/** A hold as locked, then as it will be written. */
export interface LockedHold {
  readonly id: bigint
  readonly account: bigint
  readonly amount: bigint
  readonly expired: boolean
  /** Captured and released together, as found under the lock. */
  readonly locked_use: bigint
  captured: bigint
  released: bigint
}

/** A transfer named by a reversal. */
export interface KnownTransfer {
  readonly id: bigint
  readonly debit: bigint
  readonly credit: bigint
  readonly amount: bigint
  reversed: boolean
}

/** What the ledger remembers of a key. */
export interface KnownEntry {
  readonly key: string
  readonly id: bigint | null
  readonly hash: string
  readonly refusal: string | null
}

/** All that a decision may read, under lock. Deciding runs the balances in it down and up. */
export interface Book {
  readonly accounts: Map<bigint, LockedAccount>
  readonly holds: Map<bigint, LockedHold>
  readonly transfers: Map<bigint, KnownTransfer>
  readonly entries: Map<string, KnownEntry>
}

export interface NewTransfer {
  id: bigint
  entry: bigint
  debit: bigint
  credit: bigint
  amount: bigint
  reason: string
  hold: bigint | null
  reverses: bigint | null
  subject: Subject | undefined
  debit_posted: bigint
  debit_held: bigint
  debit_version: bigint
  credit_posted: bigint
  credit_held: bigint
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
  held: bigint
  version: bigint
}

export interface NewRelease {
  id: bigint
  entry: bigint
  hold: bigint
  account: bigint
  amount: bigint
  posted: bigint
  held: bigint
  version: bigint
}

/** New rows of a posting. Accounts and holds that changed are found in the book. */
export interface Writes {
  entries: KnownEntry[]
  transfers: NewTransfer[]
  holds: NewHold[]
  releases: NewRelease[]
  movements: number
}
