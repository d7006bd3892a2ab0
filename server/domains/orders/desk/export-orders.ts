import { saleAmount } from '#server/domains/catalog/sale-amount.ts'
import { present } from '#server/kit/invariant.ts'
import { formatAmount } from '#server/kit/money.ts'
import type { App } from '#server/platform/app.ts'
import { CSV_START, csvLine } from '#server/platform/http/csv.ts'
import { assetScales } from '../finance/queries.ts'
import { adminStatus, netCharge, type Order, visibleStatus } from '../order.ts'
import { type ListPlace, listQuery, type OrderFilter } from './list-orders.ts'

/** Rows of a page: each is read when the reader has taken the one before, so that a slow one holds nothing open and none takes more memory than this. */
const PAGE_ROWS = 1_000

/** What a spreadsheet takes. Who wants more exports a span of time at a time. */
export const EXPORT_ROWS_MAX = 1_000_000

const COLUMNS = [
  'id',
  'state',
  'reason',
  'customer_id',
  'service_id',
  'provider_id',
  'provider_service_id',
  'provider_order_id',
  'provider_status',
  'type',
  'link',
  'quantity',
  'start_count',
  'remains',
  'charge',
  'captured',
  'released',
  'refunded',
  'asset',
  'expected_cost',
  'booked_cost',
  'cost_asset',
  'balance_check_status',
  'attempts',
  'resubmits',
  'placed_at',
  'accepted_at',
  'finished_at',
] as const satisfies (keyof Order)[]

// By the primary key, a probe a row.
const FORMER_COSTS = `(select json_agg(json_build_object('asset', asset, 'cost', cost::text) order by asset)
  from (select asset, sum(cost) as cost from orders.former_cost where order_id = orders.id group by asset) as former) as former_costs`

type Row = Pick<Order, (typeof COLUMNS)[number]> &
  ListPlace & {
    /** What providers took that it has left, by asset. */
    former_costs: { asset: string; cost: string }[] | null
  }

const TITLES = [
  ...['id', 'admin_visible_status', 'user_visible_status', 'reason', 'customer_id', 'service_id', 'provider_id'],
  ...[
    'provider_service_id',
    'provider_order_id',
    'provider_status',
    'type',
    'link',
    'quantity',
    'start_count',
    'remains',
  ],
  ...[
    'charge',
    'net_charge',
    'currency',
    'expected_cost',
    'booked_cost',
    'cost_currency',
    'attempts',
    'resubmit_count',
  ],
  ...['placed_at', 'accepted_at', 'finished_at', 'former_costs'],
]

/** The orders that pass the filter as CSV, newest first, a page at a time, EXPORT_ROWS_MAX at most. What changes meanwhile is as it is when its page is read. */
export async function* exportOrders(app: Pick<App, 'db'>, filter: OrderFilter): AsyncGenerator<string> {
  const scales = await assetScales(app)
  yield CSV_START + csvLine(TITLES)
  let behind: ListPlace | undefined
  for (let sent = 0; sent < EXPORT_ROWS_MAX; sent += PAGE_ROWS) {
    const { sql, values } = listQuery(`${COLUMNS.join(', ')}, ${FORMER_COSTS}`, filter, {
      sort: 'newest',
      behind,
      limit: PAGE_ROWS,
    })
    const rows = await app.db.query<Row>(sql, values)
    if (rows.length > 0) yield rows.map((row) => csvLine(cellsOf(row, scales))).join('')
    if (rows.length < PAGE_ROWS) return
    behind = rows.at(-1)
  }
}

function cellsOf(row: Row, scales: ReadonlyMap<string, number>): (string | null)[] {
  const costIn = (asset: string, minor: bigint) => {
    const scale = present(scales.get(asset), 'what an order costs in is an asset of the ledger')
    return formatAmount(minor, scale, Math.min(2, scale))
  }
  const cost = (minor: bigint) => costIn(row.cost_asset, minor)
  const former_costs = row.former_costs?.map(({ asset, cost }) => `${costIn(asset, BigInt(cost))} ${asset}`)
  return [
    ...[String(row.id), adminStatus(row), visibleStatus(row.state), row.reason],
    ...[String(row.customer_id), String(row.service_id), String(row.provider_id)],
    ...[row.provider_service_id, row.provider_order_id, row.provider_status, row.type, row.link],
    ...[String(row.quantity), textOf(row.start_count), textOf(row.remains)],
    ...[saleAmount(row.charge), saleAmount(netCharge(row)), row.asset],
    ...[cost(row.expected_cost), cost(row.booked_cost), row.cost_asset],
    ...[String(row.attempts), String(row.resubmits)],
    ...[row.placed_at.toISOString(), timeOf(row.accepted_at), timeOf(row.finished_at)],
    former_costs?.join(' + ') ?? null,
  ]
}

function textOf(figure: bigint | null): string | null {
  return figure === null ? null : String(figure)
}

function timeOf(at: Date | null): string | null {
  return at?.toISOString() ?? null
}
