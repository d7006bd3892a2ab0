import { SALE_ASSET } from '#server/domains/catalog/service.ts'
import type { App } from '#server/platform/app.ts'
import { CSV_START, csvLine } from '#server/platform/http/csv.ts'
import type { DayRange } from '../finance/queries.ts'
import { keysNamed, type UsageRow, usageRows } from './queries.ts'
import { usageFigures } from './usage-views.ts'

const DAY_MS = 86_400_000

/** Days of a page: each is read when the reader has taken the one before. */
const PAGE_DAYS = 7

/** So many keys are used in a week by nobody; it bounds what is in memory. */
const PAGE_ROWS_MAX = 20_000

/** The use of a customer's keys, or of one, as CSV: a row for each day and key, earliest first. Keys are named for who may see them. */
export async function* exportUsage(
  app: Pick<App, 'db'>,
  customer_id: bigint,
  { from, to }: DayRange,
  { key_id, named }: { key_id?: bigint | undefined; named: boolean },
): AsyncGenerator<string> {
  const titles = Object.keys(usageFigures(NOTHING))
  yield CSV_START + csvLine(['day', 'key_id', ...(named ? ['name', 'prefix'] : []), 'currency', ...titles])
  for (let first = from; first <= to; first = dayAfter(first, PAGE_DAYS)) {
    const last = dayAfter(first, PAGE_DAYS - 1)
    const range = { from: first, to: last < to ? last : to }
    const rows = await usageRows(app, { customer_id, key_id }, range, PAGE_ROWS_MAX)
    const ids = [...new Set(rows.map((row) => row.key_id))]
    const keys = new Map((await keysNamed(app, customer_id, ids, false)).map((key) => [key.id, key]))
    const lines = rows.map((row) => {
      const key = keys.get(row.key_id)
      const names = named ? [key?.name, key?.prefix] : []
      const id = row.key_id === 0n ? null : String(row.key_id)
      return csvLine([row.day, id, ...names, SALE_ASSET, ...Object.values(usageFigures(row)).map(String)])
    })
    if (lines.length > 0) yield lines.join('')
  }
}

const NOTHING: UsageRow = {
  day: '',
  key_id: 0n,
  placed: 0n,
  charged: 0n,
  captured: 0n,
  returned: 0n,
  rest_requests: 0n,
  panel_requests: 0n,
  foreign_requests: 0n,
  rate_limited: 0n,
  orders_refused: 0n,
}

function dayAfter(day: string, days: number): string {
  return new Date(Date.parse(day) + days * DAY_MS).toISOString().slice(0, 10)
}
