import type { Strikes } from './faults.ts'
import { idNumber, readIds } from './ids.ts'
import { showAmount } from './money.ts'
import type { OrderStatus, Panel, PanelOrder, PanelSubscription } from './panel.ts'
import { viewOrder } from './progress.ts'
import { type Json, refuse, TEXT } from './refusals.ts'
import { drawUnit, STREAM } from './seeded.ts'

/** Spellings seen in the wild. */
const SPELLINGS: Record<OrderStatus, readonly string[]> = {
  Pending: ['pending', 'PENDING', 'Awaiting'],
  Processing: ['processing', 'PROCESSING'],
  'In progress': ['in_progress', 'inprogress', 'In Progress', 'IN PROGRESS'],
  Completed: ['completed', 'COMPLETED'],
  Partial: ['partial', 'PARTIAL'],
  Canceled: ['canceled', 'Cancelled', 'Canelled', 'Refunded'],
  Active: ['active', 'ACTIVE'],
  Paused: ['paused', 'PAUSED'],
  Expired: ['expired', 'EXPIRED'],
}

/** `action=status` for one order. */
export function answerStatus(panel: Panel, id: string, strikes: Strikes, now_ms: number): Json {
  const order = panel.orders_by_id.get(id.trim())
  return order ? statusRow(panel, order, strikes, now_ms) : { ...refuse(TEXT.order) }
}

/** `action=status` for many: an object by id as it was spelled. */
export function answerStatuses(panel: Panel, list: string, strikes: Strikes, now_ms: number): Json {
  const ids = readIds(list)
  if ('error' in ids) return { ...ids }
  const unknown = ids.some((id) => !panel.orders_by_id.has(id))
  if (strikes('batch_error') || (unknown && strikes('batch_error_on_bad_id'))) return { ...refuse(TEXT.order) }
  const rows = ids.map((id): [string, Json] => [id, answerStatus(panel, id, strikes, now_ms)])
  // From entries, so that an id such as __proto__ is a key like any other.
  return Object.fromEntries(spoilOneRow(panel, rows, strikes))
}

function statusRow(panel: Panel, order: PanelOrder, strikes: Strikes, now_ms: number): Json {
  order.polls += 1
  const view = viewOrder(panel, order, now_ms)
  const over_delivered = view.status === 'Completed' && strikes('remains_negative') !== undefined
  const remains = over_delivered ? -1 - (order.number % 50) : view.remains
  return {
    charge: figure(showAmount(order.net), strikes, false),
    [strikes('start_counter') ? 'start_counter' : 'start_count']: figure(String(view.start_count), strikes, true),
    status: spell(panel, order, view.status, strikes),
    remains: figure(String(remains), strikes, true),
    currency: panel.currency,
    ...(order.subscription && postsOf(panel, order.subscription, strikes)),
  }
}

/** How many posts a subscription has, and which orders they are, in one of the forms that panels have for that. */
function postsOf(panel: Panel, { listed }: PanelSubscription, strikes: Strikes): { [key: string]: Json } {
  const posts = listed.length
  if (strikes('posts_missing')) return { posts }
  const known = strikes('posts_late') ? listed.slice(0, -1) : listed
  const ids = strikes('posts_twice') ? [...known, ...known] : known
  if (strikes('posts_text')) return { posts, orders: ids.join(',') }
  if (strikes('posts_garbage')) return { posts, orders: [...ids, null] }
  if (strikes('posts_object')) return { posts, orders: Object.fromEntries(ids.entries()) }
  if (strikes('posts_rows')) {
    return { posts, orders: ids.map((id) => ({ order: id, quantity: panel.orders_by_id.get(id)?.quantity ?? null })) }
  }
  return { posts, orders: strikes('posts_strings') ? ids : ids.map(idNumber) }
}

function figure(text: string, strikes: Strikes, may_be_unknown: boolean): Json {
  if (strikes('numbers_null')) return null
  if (strikes('numbers_empty')) return ''
  if (may_be_unknown && strikes('numbers_unknown')) return 'Unknown'
  return strikes('numbers_plain') ? Number(text) : text
}

function spell(panel: Panel, order: PanelOrder, status: OrderStatus, strikes: Strikes): string {
  if (strikes('status_unknown')) return 'Under review'
  if (!strikes('status_spelling')) return status
  const spellings = SPELLINGS[status]
  const pick = drawUnit(panel.seed, STREAM.spelling, order.number) * spellings.length
  return spellings[Math.floor(pick)] ?? status
}

function spoilOneRow(panel: Panel, rows: [string, Json][], strikes: Strikes): [string, Json][] {
  const index = Math.floor(drawUnit(panel.seed, STREAM.row, panel.request_number) * rows.length)
  const row = rows[index]
  if (row === undefined) return rows
  if (strikes('row_missing')) return rows.toSpliced(index, 1)
  if (strikes('row_bare_string')) return rows.with(index, [row[0], TEXT.order])
  if (strikes('row_error')) return rows.with(index, [row[0], { ...refuse(TEXT.order) }])
  if (strikes('row_garbage')) return rows.with(index, [row[0], [null]])
  return rows
}
