import { hash } from 'node:crypto'

/** What a movement is about, such as an order. Kept with the movement; the ledger does not interpret it. */
export interface Subject {
  kind: string
  id: bigint
}

/** Value flows from `debit` to `credit`. Amounts are minor units of the accounts' common asset, above zero. */
export interface Transfer {
  kind: 'transfer'
  debit: bigint
  credit: bigint
  amount: bigint
  /** Why, such as `order.cost`. */
  reason: string
  subject?: Subject | undefined
}

/** Sets a part of an account's available value aside. The hold's id is the movement's. */
export interface PlaceHold {
  kind: 'hold'
  account: bigint
  amount: bigint
  /** From then on it cannot be captured, and the expiry chore releases it. */
  expires_at?: Date | undefined
  subject?: Subject | undefined
}

/** Pays out of a hold to `credit`. Several captures may use up one hold; `rest` is all that is left of it. */
export interface Capture {
  kind: 'capture'
  hold: bigint
  credit: bigint
  amount: bigint | 'rest'
  reason: string
  subject?: Subject | undefined
}

/** Gives back a part of a hold, or the rest of it, to its own account. */
export interface Release {
  kind: 'release'
  hold: bigint
  amount: bigint | 'rest'
}

/** Takes a transfer back in full, as a transfer of its own, once at most. It needs the funds like any other. */
export interface Reverse {
  kind: 'reverse'
  transfer: bigint
  reason: string
  subject?: Subject | undefined
}

export type Movement = Transfer | PlaceHold | Capture | Release | Reverse

/** Movements that succeed or fail together, under a key that is used once for ever. */
export interface Entry {
  /**
   * Up to 200 characters, such as `order:17:settle`. Without one the entry can never be repeated: once posted it stands under a key that tells its own id, which nothing had to be looked up
   * for, and of a refusal nothing is kept.
   */
  key?: string | undefined
  movements: readonly Movement[]
  /** What makes two requests of one key the same, where the movements carry ids drawn anew at each try. Hashed in their place. */
  content?: string | undefined
}

/** Why an entry moved nothing. All but `key_reused` and `withheld` are stored under the key and answered again. */
export type Refusal =
  | 'insufficient_funds'
  | 'account_not_found'
  | 'same_account'
  | 'asset_mismatch'
  | 'amount_out_of_range'
  | 'hold_not_found'
  | 'hold_exceeded'
  | 'hold_expired'
  | 'transfer_not_found'
  | 'already_reversed'
  | 'key_reused'
  // The caller's own no.
  | 'withheld'

/** What became of an entry. `id` is its first movement's; movement i has `id + i`. `replayed`: the key was known, nothing moved now. */
export type EntryOutcome =
  | { ok: true; id: bigint; replayed: boolean }
  | { ok: false; refusal: Refusal; replayed: boolean }

/** Bounds how long one posting holds its locks, and is the width of a block of ids. */
export const MOVEMENTS_MAX = 16_384

/** How the keys begin that the ledger itself gives to entries without one; no caller's key does. */
const OWN_KEY = 'entry:'

/** The key of an entry that came without one. */
export function ownKeyOf(id: bigint): string {
  return `${OWN_KEY}${id}`
}

/** Whether a key looks as if the ledger had given it. */
export function isOwnKey(key: string): boolean {
  return key.startsWith(OWN_KEY)
}

/** The content of an entry as the first 128 bits of its SHA-256, written as a UUID. Two entries of one key are the same exactly when these agree. */
export function contentHash(entry: Entry): string {
  let text = ''
  if (entry.content !== undefined) text = `= ${entry.content}`
  else for (const movement of entry.movements) text += textOf(movement)
  return hash('sha256', text, 'hex').slice(0, 32)
}

function textOf(m: Movement): string {
  switch (m.kind) {
    case 'transfer':
      return `t ${m.debit} ${m.credit} ${m.amount} ${JSON.stringify(m.reason)} ${subjectText(m.subject)}\n`
    case 'hold':
      return `h ${m.account} ${m.amount} ${m.expires_at?.getTime()} ${subjectText(m.subject)}\n`
    case 'capture':
      return `c ${m.hold} ${m.credit} ${m.amount} ${JSON.stringify(m.reason)} ${subjectText(m.subject)}\n`
    case 'release':
      return `r ${m.hold} ${m.amount}\n`
    case 'reverse':
      return `v ${m.transfer} ${JSON.stringify(m.reason)} ${subjectText(m.subject)}\n`
  }
}

function subjectText(subject: Subject | undefined): string {
  return subject ? `${JSON.stringify(subject.kind)} ${subject.id}` : '-'
}
