import { invariant } from '#server/kit/invariant.ts'
import { formatAmount } from '#server/kit/money.ts'
import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'
import { CSV_START, csvLine } from '#server/platform/http/csv.ts'
import { type AssetFigures, FIGURE_COLUMNS } from './figures.ts'
import { assetScales, type DayRange } from './queries.ts'

/** Rows of a page: each is read when the reader has taken the one before. */
const PAGE_ROWS = 5_000

/** What a spreadsheet takes. Who wants more exports fewer days at a time. */
export const EXPORT_ROWS_MAX = 1_000_000

/** What there is a file of: a row for each day, service, provider and currency, or for each day, customer and currency. */
export type Export = 'services' | 'customers'

type Row = AssetFigures & { day: string } & Readonly<Record<string, string | bigint>>

const NAMES = FIGURE_COLUMNS.join(', ')
const COUNTS: readonly string[] = ['placed', 'completed', 'partial', 'cancelled', 'deposit_count']

// Each walks down the table's own index, from behind the last row of the page before.
const PAGES = {
  services: {
    keys: ['service_id', 'provider_id'],
    sql: statement(`
      select day::text as day, service_id, provider_id, asset, ${NAMES} from orders.finance_day
      where day <= $2::date and (day, service_id, provider_id, asset) > ($1::date, $3, $4, $5)
      order by finance_day.day, service_id, provider_id, asset limit ${PAGE_ROWS}`),
  },
  customers: {
    keys: ['customer_id'],
    sql: statement(`
      select day::text as day, customer_id, asset, ${NAMES} from orders.finance_customer_day
      where day <= $2::date and (day, customer_id, asset) > ($1::date, $3, $4)
      order by finance_customer_day.day, customer_id, asset limit ${PAGE_ROWS}`),
  },
} as const

/** The sums of a range as CSV, as they are kept: earliest first, a page at a time. 0 stands for none: what belongs to no service, provider or customer. */
export async function* exportFinance(
  app: Pick<App, 'db'>,
  what: Export,
  { from, to }: DayRange,
): AsyncGenerator<string> {
  const { keys, sql } = PAGES[what]
  const scales = await assetScales(app)
  yield CSV_START + csvLine(['day', ...keys, 'currency', ...FIGURE_COLUMNS.map(titleOf)])
  // No id is below 0, so the first page begins with the first row of `from`.
  let behind: readonly unknown[] = [from, ...keys.map(() => -1n), '']
  for (let sent = 0; sent < EXPORT_ROWS_MAX; sent += PAGE_ROWS) {
    const [day, ...others] = behind
    const rows = await app.db.query<Row>(sql, [day, to, ...others])
    if (rows.length > 0) yield rows.map((row) => csvLine(cellsOf(row, keys, scales))).join('')
    const last = rows.at(-1)
    if (!last || rows.length < PAGE_ROWS) return
    behind = [last.day, ...keys.map((key) => last[key]), last.asset]
  }
}

/** As the reports name it. */
function titleOf(column: string): string {
  return ['placed', 'completed', 'partial', 'cancelled'].includes(column) ? `orders_${column}` : column
}

function cellsOf(row: Row, keys: readonly string[], scales: ReadonlyMap<string, number>): string[] {
  const scale = scales.get(row.asset)
  invariant(scale !== undefined, `${row.asset} is an asset of the ledger`)
  const figures = FIGURE_COLUMNS.map((name) =>
    COUNTS.includes(name) ? String(row[name]) : formatAmount(row[name], scale, Math.min(2, scale)),
  )
  return [row.day, ...keys.map((key) => String(row[key])), row.asset, ...figures]
}
