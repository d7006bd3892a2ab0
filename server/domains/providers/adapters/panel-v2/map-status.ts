import type { ProviderStatus, StatusRow } from '#server/domains/providers/provider.ts'
import { chargeOf, currencyOf, type Money, remainsOf, startCountOf } from './figures.ts'
import { fieldsOf, own, readJson, textOf } from './json.ts'
import { type ReadAnswer, readFailure } from './map-read.ts'
import { readPosts } from './read-posts.ts'
import { isUnknownOrder, refusalOf } from './refusals.ts'

/** Statuses as panels spell them, in small letters and with spaces. What is not here is not guessed: it moves no money. */
const STATUSES = new Map<string, ProviderStatus>([
  ['pending', 'pending'],
  ['awaiting', 'pending'],
  ['in progress', 'in_progress'],
  ['inprogress', 'in_progress'],
  ['processing', 'processing'],
  ['completed', 'completed'],
  ['partial', 'partial'],
  ['canceled', 'cancelled'],
  ['cancelled', 'cancelled'],
  ['canelled', 'cancelled'],
  ['refunded', 'cancelled'],
  ['fail', 'failed'],
  ['failed', 'failed'],
  ['error', 'failed'],
  ['active', 'active'],
  ['paused', 'paused'],
  ['expired', 'expired'],
])

const RAW_STATUS_MAX = 100

/** The row of one order asked for alone. Throws ProviderReadError when the answer says nothing about the order. */
export function readStatus(answer: ReadAnswer, id: string, money: Money): Map<string, StatusRow> {
  const fields = fieldsOf(readJson(answer.body))
  const text = fields && refusalOf(fields)
  if (text !== undefined && isUnknownOrder(text)) return new Map([[id, refusedRow(text)]])
  if (!fields || text !== undefined || answer.status >= 500) throw readFailure(answer)
  // Some panels answer one order as they answer many.
  const row = Object.hasOwn(fields, 'status') ? fields : own(fields, id)
  return new Map([[id, row === undefined ? missingRow() : readRow(row, money)]])
}

/** A row for each id asked for. Throws ProviderReadError when the answer says nothing about the orders. */
export function readStatuses(answer: ReadAnswer, ids: readonly string[], money: Money): Map<string, StatusRow> {
  const value = readJson(answer.body)
  // PHP writes an empty object as an empty list.
  const fields = Array.isArray(value) && value.length === 0 ? {} : fieldsOf(value)
  const whole = fields && refusalOf(fields) !== undefined && !ids.includes('error')
  if (!fields || whole || answer.status >= 500) throw readFailure(answer)
  return new Map(ids.map((id) => [id, Object.hasOwn(fields, id) ? readRow(fields[id], money) : missingRow()]))
}

function readRow(value: unknown, money: Money): StatusRow {
  const bare = textOf(value)
  if (bare !== undefined) return refusedRow(bare)
  const fields = fieldsOf(value)
  if (!fields) return unreadableRow('the answer has no readable row for the order')
  const refusal = refusalOf(fields)
  if (refusal !== undefined) return refusedRow(refusal)
  const raw_status = textOf(own(fields, 'status'))
  if (raw_status === undefined) return unreadableRow('the row has no status')
  const status = STATUSES.get(raw_status.toLowerCase().replace(/[\s_-]+/g, ' '))
  if (status === undefined) return unreadableRow(`unknown status: ${raw_status}`)
  const posts = readPosts(own(fields, 'orders')) ?? 'unreadable'
  return {
    ok: true,
    status,
    raw_status: raw_status.slice(0, RAW_STATUS_MAX),
    charge: chargeOf(fields, money),
    currency: currencyOf(fields),
    start_count: startCountOf(fields),
    remains: remainsOf(fields),
    ...(posts.length > 0 && { posts }),
  }
}

function refusedRow(text: string): StatusRow {
  return { ok: false, reason: isUnknownOrder(text) ? 'not_found' : 'error', message: text }
}

function unreadableRow(message: string): StatusRow {
  return { ok: false, reason: 'unreadable', message }
}

function missingRow(): StatusRow {
  return { ok: false, reason: 'missing', message: 'the answer has no row for the order' }
}
