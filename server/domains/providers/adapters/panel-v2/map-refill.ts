import type { Answer } from '#server/domains/providers/line.ts'
import type { RefillOutcome, RefillRow, RefillStatus, UnknownReason } from '#server/domains/providers/provider.ts'
import { fieldsOf, own, readJson, textOf } from './json.ts'
import { type ReadAnswer, readFailure } from './map-read.ts'
import { isOrderId } from './order-id.ts'
import { notAnswered, refused, unknown } from './outcomes.ts'
import { isUnknownRefill, refusalOf } from './refusals.ts'

/** How asking for one order's refill went: accepted where there is a refill's id, in whatever shape. */
export function readRefill(answer: Answer): RefillOutcome {
  if (!answer.answered) return notAnswered(answer)
  const otherwise: UnknownReason = answer.status >= 500 ? 'server_error' : 'unreadable_answer'
  const value = readJson(answer.body)
  // Some panels answer one order as they answer many.
  const fields = fieldsOf(Array.isArray(value) && value.length === 1 ? value[0] : value)
  if (!fields) return unknown(otherwise, `HTTP ${answer.status} without a readable answer`)
  const given = own(fields, 'refill') ?? own(fields, 'refill_id')
  const inside = fieldsOf(given)
  const refusal = refusalOf(fields) ?? (inside && refusalOf(inside))
  const id = textOf(given)
  if (id !== undefined && id !== '0') {
    if (refusal === undefined && isOrderId(id)) return { outcome: 'accepted', provider_refill_id: id }
    return unknown('unreadable_answer', `refill ${JSON.stringify(id)}, error ${refusal ?? 'none'}`)
  }
  if (refusal === undefined) return unknown(otherwise, `HTTP ${answer.status} with neither refill nor error`)
  return refused(refusal, answer.status)
}

/** Statuses of refills as panels spell them, in small letters and with spaces. What is not here is not guessed. */
const STATUSES = new Map<string, RefillStatus>([
  ['pending', 'pending'],
  ['awaiting', 'pending'],
  ['processing', 'in_progress'],
  ['in progress', 'in_progress'],
  ['inprogress', 'in_progress'],
  ['completed', 'completed'],
  ['complete', 'completed'],
  ['success', 'completed'],
  ['rejected', 'rejected'],
  ['refused', 'rejected'],
  ['canceled', 'rejected'],
  ['cancelled', 'rejected'],
  ['error', 'error'],
  ['fail', 'error'],
  ['failed', 'error'],
])

const RAW_STATUS_MAX = 100

/** A row for each id asked for, be it one or many. Throws ProviderReadError when the answer says nothing about the refills. */
export function readRefillStatuses(answer: ReadAnswer, ids: readonly string[]): Map<string, RefillRow> {
  const value = readJson(answer.body)
  const fields = fieldsOf(value)
  const text = fields && refusalOf(fields)
  const [only] = ids
  if (ids.length === 1 && only !== undefined && text !== undefined && isUnknownRefill(text)) {
    return new Map([[only, refusedRow(text)]])
  }
  if ((!fields && !Array.isArray(value)) || text !== undefined || answer.status >= 500) throw readFailure(answer)
  const rows = Array.isArray(value) ? listedRows(value) : new Map(Object.entries(fields ?? {}))
  const whole = ids.length === 1 && fields && Object.hasOwn(fields, 'status') ? own(fields, 'status') : undefined
  return new Map(ids.map((id) => [id, readRow(whole ?? rows.get(id))]))
}

function listedRows(list: readonly unknown[]): Map<string, unknown> {
  return new Map(
    list.flatMap((each): [string, unknown][] => {
      const row = fieldsOf(each)
      const id = row && textOf(own(row, 'refill'))
      return row && id !== undefined ? [[id, row]] : []
    }),
  )
}

/** A row is a status, or an object with one; its refusal stands in place of the status or beside it. */
function readRow(value: unknown): RefillRow {
  if (value === undefined) return { ok: false, reason: 'missing', message: 'the answer has no row for the refill' }
  const fields = fieldsOf(value)
  const refusal = fields && refusalOf(fields)
  if (refusal !== undefined) return refusedRow(refusal)
  if (fields) {
    const status = own(fields, 'status')
    return status === undefined ? unreadableRow('the row has no status') : readRow(status)
  }
  const raw_status = textOf(value)
  if (raw_status === undefined) return unreadableRow('the row has no readable status')
  if (isUnknownRefill(raw_status)) return refusedRow(raw_status)
  const status = STATUSES.get(raw_status.toLowerCase().replace(/[\s_-]+/g, ' '))
  if (status === undefined) return unreadableRow(`unknown status: ${raw_status}`)
  return { ok: true, status, raw_status: raw_status.slice(0, RAW_STATUS_MAX) }
}

function refusedRow(text: string): RefillRow {
  return { ok: false, reason: isUnknownRefill(text) ? 'not_found' : 'error', message: text }
}

function unreadableRow(message: string): RefillRow {
  return { ok: false, reason: 'unreadable', message }
}
