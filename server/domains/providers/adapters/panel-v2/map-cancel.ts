import type { Answer } from '#server/domains/providers/line.ts'
import type { CancelOutcome, UnknownReason } from '#server/domains/providers/provider.ts'
import { type Fields, fieldsOf, own, readJson, textOf } from './json.ts'
import { notAnswered, refused, unknown } from './outcomes.ts'
import { refusalOf } from './refusals.ts'

/**
 * How asking for one order's end went. Panels answer `[{"order":9,"cancel":1}]`, the same within `canceled`, refusals as `cancel` or beside `order`, or an object
 * for the one order. What says neither yes nor no is unknown.
 */
export function readCancelled(answer: Answer, id: string): CancelOutcome {
  if (!answer.answered) return notAnswered(answer)
  const otherwise: UnknownReason = answer.status >= 500 ? 'server_error' : 'unreadable_answer'
  const fields = rowOf(readJson(answer.body), id)
  if (!fields) return unknown(otherwise, `HTTP ${answer.status} without a readable answer`)
  const cancel = own(fields, 'cancel') ?? own(fields, 'canceled') ?? own(fields, 'cancelled')
  const inside = fieldsOf(cancel)
  const refusal = refusalOf(fields) ?? (inside && refusalOf(inside))
  const taken = isTaken(cancel)
  if (taken && refusal === undefined) return { outcome: 'accepted' }
  if (taken) return unknown('unreadable_answer', `cancel ${textOf(cancel) ?? 'true'}, error ${refusal}`)
  if (refusal === undefined) return unknown(otherwise, `HTTP ${answer.status} with neither consent nor error`)
  return refused(refusal, answer.status)
}

/** What the answer says of the order; nothing where it speaks of others alone. */
function rowOf(value: unknown, id: string): Fields | undefined {
  if (Array.isArray(value)) {
    const rows = value.map(fieldsOf).filter((row) => row !== undefined)
    const [only] = rows
    return (
      rows.find((row) => textOf(own(row, 'order')) === id) ?? (isNameless(only) && rows.length === 1 ? only : undefined)
    )
  }
  const fields = fieldsOf(value)
  if (!fields) return undefined
  const listed = own(fields, 'canceled') ?? own(fields, 'cancelled') ?? own(fields, id)
  return typeof listed === 'object' && listed !== null ? rowOf(listed, id) : fields
}

function isNameless(row: Fields | undefined): boolean {
  return row !== undefined && own(row, 'order') === undefined
}

/** A flag or the number of a request; empty, zero and false are how panels say that there is none. */
function isTaken(cancel: unknown): boolean {
  if (cancel === true) return true
  const text = textOf(cancel)
  return text !== undefined && /^[1-9]\d{0,30}$|^true$/i.test(text)
}
