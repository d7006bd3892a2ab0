import { InvariantError, invariant } from '#server/kit/invariant.ts'
import { AMOUNT_MAX } from '#server/kit/money.ts'
import { type Entry, isOwnKey, MOVEMENTS_MAX, type Movement, type Subject } from './entry.ts'

/** The columns' own limits: what passes here is stored, so that no entry of a batch can fail its neighbours. */
const KEY_MAX = 200
const REASON_MAX = 60
const SUBJECT_KIND_MAX = 32
/** PostgreSQL reads dates as JavaScript writes them up to the year 9999. */
const EXPIRY_MAX_MS = Date.UTC(9999, 11, 31)

/** InvariantError when the entry cannot be stored as it is: an empty or overlong text, a key as the ledger gives it, no movement or too many, an id beyond 64 bits, a date that is none. */
export function checkEntry(entry: Entry): void {
  if (entry.key !== undefined) checkKey(entry.key)
  const { length } = entry.movements
  invariant(length > 0 && length <= MOVEMENTS_MAX, `ledger: an entry has 1 to ${MOVEMENTS_MAX} movements`)
  for (const movement of entry.movements) checkMovement(movement)
}

function checkKey(key: string): void {
  checkText('key', key, KEY_MAX)
  invariant(!isOwnKey(key), 'ledger: such keys are given by the ledger itself')
}

function checkMovement(m: Movement): void {
  switch (m.kind) {
    case 'transfer':
      checkId(m.debit)
      checkId(m.credit)
      checkText('reason', m.reason, REASON_MAX)
      checkSubject(m.subject)
      break
    case 'hold':
      checkId(m.account)
      if (m.expires_at) checkExpiry(m.expires_at.getTime())
      checkSubject(m.subject)
      break
    case 'capture':
      checkId(m.hold)
      checkId(m.credit)
      checkText('reason', m.reason, REASON_MAX)
      checkSubject(m.subject)
      break
    case 'release':
      checkId(m.hold)
      break
    case 'reverse':
      checkId(m.transfer)
      checkText('reason', m.reason, REASON_MAX)
      checkSubject(m.subject)
  }
}

function checkSubject(subject: Subject | undefined): void {
  if (!subject) return
  checkId(subject.id)
  checkText('kind of subject', subject.kind, SUBJECT_KIND_MAX)
}

function checkId(id: bigint): void {
  invariant(id <= AMOUNT_MAX && id >= -AMOUNT_MAX, 'ledger: an id has 64 bits')
}

function checkText(what: string, text: string, max: number): void {
  if (text.length > 0 && text.length <= max && !text.includes('\0') && text.isWellFormed()) return
  throw new InvariantError(`ledger: a ${what} has 1 to ${max} characters, none of them NUL or half of a pair`)
}

function checkExpiry(time_ms: number): void {
  invariant(time_ms >= 0 && time_ms <= EXPIRY_MAX_MS, 'ledger: a hold expires between 1970 and 9999')
}
