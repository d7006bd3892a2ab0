import { invariant } from '#server/kit/invariant.ts'
import { AMOUNT_MAX } from '#server/kit/money.ts'
import { type Entry, MOVEMENTS_MAX, type Movement } from './entry.ts'

/** The columns' own limits: what passes here is stored, so that no entry of a batch can fail its neighbours. */
const KEY_MAX = 200
const REASON_MAX = 60
const SUBJECT_KIND_MAX = 32
/** PostgreSQL reads dates as JavaScript writes them up to the year 9999. */
const EXPIRY_MAX_MS = Date.UTC(9999, 11, 31)

/** InvariantError when the entry cannot be stored as it is: an empty or overlong text, no movement or too many, an id beyond 64 bits, a date that is none. */
export function checkEntry(entry: Entry): void {
  checkText('key', entry.key, KEY_MAX)
  const { length } = entry.movements
  invariant(length > 0 && length <= MOVEMENTS_MAX, `ledger: an entry has 1 to ${MOVEMENTS_MAX} movements`)
  for (const movement of entry.movements) checkMovement(movement)
}

function checkMovement(m: Movement): void {
  for (const id of idsIn(m)) invariant(id <= AMOUNT_MAX && id >= -AMOUNT_MAX, 'ledger: an id has 64 bits')
  if ('reason' in m) checkText('reason', m.reason, REASON_MAX)
  if ('subject' in m && m.subject) checkText('kind of subject', m.subject.kind, SUBJECT_KIND_MAX)
  if ('expires_at' in m && m.expires_at) checkExpiry(m.expires_at.getTime())
}

function idsIn(m: Movement): bigint[] {
  const subject = 'subject' in m && m.subject ? [m.subject.id] : []
  switch (m.kind) {
    case 'transfer':
      return [m.debit, m.credit, ...subject]
    case 'hold':
      return [m.account, ...subject]
    case 'capture':
      return [m.hold, m.credit, ...subject]
    case 'release':
      return [m.hold]
    case 'reverse':
      return [m.transfer, ...subject]
  }
}

function checkText(what: string, text: string, max: number): void {
  const isStorable = text.length > 0 && text.length <= max && !text.includes('\0') && text.isWellFormed()
  invariant(isStorable, `ledger: a ${what} has 1 to ${max} characters, none of them NUL or half of a pair`)
}

function checkExpiry(time_ms: number): void {
  invariant(time_ms >= 0 && time_ms <= EXPIRY_MAX_MS, 'ledger: a hold expires between 1970 and 9999')
}
