import { AMOUNT_MAX } from '#server/kit/money.ts'
import type { App } from '#server/platform/app.ts'
import { CSV_START, csvLine } from '#server/platform/http/csv.ts'
import { ownOrders } from './customer-reads.ts'
import type { CustomerOrder, VisibleStatus } from './order.ts'
import { orderView } from './order-views.ts'

/** Rows of a page: each is read when the reader has taken the one before. */
const PAGE_ROWS = 2_000

/** What a spreadsheet takes. */
export const OWN_ROWS_MAX = 1_000_000

const COLUMNS = [
  ...(['id', 'status', 'service', 'type', 'link', 'quantity', 'charge', 'currency', 'start_count', 'remains'] as const),
  ...(['request_id', 'placed_at', 'finished_at'] as const),
]

/** A customer's orders as that customer sees them, all or those seen as `status`, as CSV, newest first, a page at a time. */
export async function* exportOwnOrders(
  { db }: Pick<App, 'db'>,
  customer_id: bigint,
  status?: VisibleStatus,
): AsyncGenerator<string> {
  yield CSV_START + csvLine(COLUMNS)
  let before = AMOUNT_MAX
  for (let sent = 0; sent < OWN_ROWS_MAX; sent += PAGE_ROWS) {
    const orders = await ownOrders(db, { customer_id, before, size: PAGE_ROWS }, status)
    if (orders.length > 0) yield orders.map((order) => csvLine(cellsOf(order))).join('')
    if (orders.length < PAGE_ROWS) return
    before = orders.at(-1)?.id ?? 0n
  }
}

function cellsOf(order: CustomerOrder): (string | null)[] {
  const view = orderView(order)
  return COLUMNS.map((name) => view[name])
}
