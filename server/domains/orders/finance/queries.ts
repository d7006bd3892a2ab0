import type { App } from '#server/platform/app.ts'
import { int8Array } from '#server/platform/db/arrays.ts'
import { type Statement, statement } from '#server/platform/db/database.ts'
import { type AssetFigures, FIGURE_COLUMNS } from './figures.ts'
import { readProgress } from './follow-seals.ts'

/** Days in UTC, both included: `2026-11-30`. */
export interface DayRange {
  from: string
  to: string
}

/** More are summed day by day only in parts. */
export const DAYS_MAX = 366

/** More are not shown one by one; the rest is told as one sum. */
export const ROWS_MAX = 500

/** By what the rows of a report are ordered, the largest first. */
export const ORDERS_OF_ROWS = ['turnover', 'cost', 'profit', 'placed'] as const
export type OrderOfRows = (typeof ORDERS_OF_ROWS)[number]

const SUMS = FIGURE_COLUMNS.map((name) => `sum(${name})::bigint as ${name}`).join(', ')

const DAYS = statement(`
  select day::text as day, asset, ${SUMS} from orders.finance_day where day between $1::date and $2::date
  group by day, asset order by day, asset`)

/** The sums of each day that has any, earliest first, a row for each asset. */
export function figuresByDay(
  app: Pick<App, 'db'>,
  { from, to }: DayRange,
): Promise<(AssetFigures & { day: string })[]> {
  return app.db.query(DAYS, [from, to])
}

/** Of what a report has a row each. */
export type Dimension = 'service' | 'provider' | 'customer'

const PLACES: Readonly<Record<Dimension, { table: string; column: string }>> = {
  service: { table: 'finance_day', column: 'service_id' },
  provider: { table: 'finance_day', column: 'provider_id' },
  customer: { table: 'finance_customer_day', column: 'customer_id' },
}

// In the asset of sales ($3); what another asset's cost is in it nobody has said.
const RANKS: Readonly<Record<OrderOfRows, string>> = {
  turnover: 'turnover',
  cost: 'cost',
  profit: 'turnover - cost',
  placed: 'placed',
}

const rowsBy = (dimension: Dimension, order: OrderOfRows) => {
  const { table, column } = PLACES[dimension]
  return statement(`
    with cell as materialized (
      select ${column} as id, asset, ${SUMS} from orders.${table} where day between $1::date and $2::date group by 1, 2
    ), shown as (
      select id, coalesce(sum(${RANKS[order]}) filter (where asset = $3), 0) as rank from cell where id <> 0
      group by id order by rank desc, id limit $4
    )
    select shown.id is not null as shown, case when shown.id is not null then cell.id end as id, cell.asset, ${SUMS}
    from cell left join shown on shown.id = cell.id
    group by 1, 2, 3, shown.rank order by shown.rank desc nulls last, 2, 3`)
}

const ROWS = Object.fromEntries(
  (['service', 'provider', 'customer'] as const).map((dimension) => [
    dimension,
    Object.fromEntries(ORDERS_OF_ROWS.map((order) => [order, rowsBy(dimension, order)])),
  ]),
) as Record<Dimension, Record<OrderOfRows, Statement>>

/** A report's rows, and the sums of all that it does not show: together they are the whole. */
export interface Report {
  rows: { id: bigint; figures: AssetFigures[] }[]
  rest: AssetFigures[]
}

/** The sums of a range for each service, provider or customer, those with most first, `limit` of them. `asset` is that of sales. */
export async function figuresBy(
  app: Pick<App, 'db'>,
  dimension: Dimension,
  { from, to }: DayRange,
  { order, limit, asset }: { order: OrderOfRows; limit: number; asset: string },
): Promise<Report> {
  const values = [from, to, asset, Math.max(1, Math.min(limit, ROWS_MAX))]
  const found = await app.db.query<AssetFigures & { shown: boolean; id: bigint | null }>(ROWS[dimension][order], values)
  const rows = new Map<bigint, AssetFigures[]>()
  const rest: AssetFigures[] = []
  for (const { shown: _, id, ...figures } of found) {
    if (id === null) rest.push(figures)
    else rows.set(id, [...(rows.get(id) ?? []), figures])
  }
  return { rows: [...rows].map(([id, figures]) => ({ id, figures })), rest }
}

/** Up to when the sums of finance go. */
export const financeProgress = readProgress('orders.finance_progress')

const SCALES = statement('select code, scale from ledger.asset')

/** The decimal digits of each asset's minor unit. */
export async function assetScales(app: Pick<App, 'db'>): Promise<ReadonlyMap<string, number>> {
  const rows = await app.db.query<{ code: string; scale: number }>(SCALES)
  return new Map(rows.map(({ code, scale }) => [code, scale]))
}

const NAMES: Readonly<Record<Dimension, Statement | undefined>> = {
  service: statement('select id, name from catalog.service where id = any($1::bigint[])'),
  provider: statement('select id, name from providers.provider where id = any($1::bigint[])'),
  // Who may see figures may not necessarily see who people are.
  customer: undefined,
}

/** The names of what a report has rows of, where it has any. */
export async function namesOf(
  app: Pick<App, 'db'>,
  dimension: Dimension,
  ids: readonly bigint[],
): Promise<ReadonlyMap<bigint, string>> {
  const sql = NAMES[dimension]
  if (!sql) return new Map()
  const rows = await app.db.query<{ id: bigint; name: string }>(sql, [int8Array(ids)])
  return new Map(rows.map(({ id, name }) => [id, name]))
}
