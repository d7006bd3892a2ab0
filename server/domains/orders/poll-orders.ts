import { SALE_ASSET } from '#server/domains/catalog/service.ts'
import { ProviderReadError, type StatusRow } from '#server/domains/providers/provider.ts'
import type { OpenProvider, Providers } from '#server/domains/providers/registry.ts'
import type { App } from '#server/platform/app.ts'
import { int8Array } from '#server/platform/db/arrays.ts'
import { statement } from '#server/platform/db/database.ts'
import { accountIds, costIn, prepaidAt, revenueIn } from './accounts.ts'
import { type ReadStatus, recordStatuses } from './record-statuses.ts'

/** Calls in one pass; each asks about as many orders as the provider takes. */
const CALLS_MAX = 16

/** Until another worker may ask about the same orders, beyond the time the calls may take. */
const LEASE_EXTRA_MS = 30_000

interface DueOrder {
  id: bigint
  provider_order_id: string
}

/** What a pass did. `more`: it took as many as it may, so there may be others due. */
export interface PollReport {
  asked: number
  settled: number
  more: boolean
}

/**
 * Asks a provider about its open orders whose check is due, longest due first, many in one call, and takes over the answers. One bad row does not spoil its
 * batch; a batch that could not be read is due again later. `order_ids`: only these, due or not.
 */
export async function pollOrders(
  app: App,
  providers: Providers,
  provider_id: bigint,
  order_ids?: readonly bigint[],
): Promise<PollReport> {
  const provider = await providers.providerById(provider_id)
  await accountIds(app.db, [
    prepaidAt(provider_id, provider.row.currency),
    costIn(provider.row.currency),
    revenueIn(SALE_ASSET),
  ])
  const calls = Math.min(CALLS_MAX, provider.row.concurrency)
  const limit = calls * provider.statuses_max
  const due = await takeDue(app, provider, limit, order_ids)
  const batches: DueOrder[][] = []
  for (let at = 0; at < due.length; at += provider.statuses_max) batches.push(due.slice(at, at + provider.statuses_max))
  const settled = await Promise.all(batches.map((batch) => pollBatch(app, provider, batch)))
  return { asked: due.length, settled: settled.reduce((sum, n) => sum + n, 0), more: due.length === limit }
}

// The new check time is a lease: a worker that dies here leaves the orders due again a little later.
const takeDueOrders = statement(`
  with due as (
    select id from orders.orders
    where provider_id = $1 and state in ('pending', 'processing', 'in_progress') and next_check_at <= now()
    order by next_check_at limit $2::int for no key update skip locked
  )
  update orders.orders o set next_check_at = now() + make_interval(secs => $3::float8 / 1000)
  from due where o.id = due.id
  returning o.id, o.provider_order_id`)

const takeNamedOrders = statement(`
  with named as (
    select id from orders.orders
    where provider_id = $1 and state in ('pending', 'processing', 'in_progress') and id = any($4::bigint[])
    order by id limit $2::int for no key update
  )
  update orders.orders o set next_check_at = now() + make_interval(secs => $3::float8 / 1000)
  from named where o.id = named.id
  returning o.id, o.provider_order_id`)

function takeDue(
  app: App,
  provider: OpenProvider,
  limit: number,
  order_ids: readonly bigint[] | undefined,
): Promise<DueOrder[]> {
  const lease_ms = 3 * provider.row.timeout_ms + LEASE_EXTRA_MS
  const values = [provider.row.id, limit, lease_ms]
  return app.db.transaction((tx) =>
    order_ids
      ? tx.query<DueOrder>(takeNamedOrders, [...values, int8Array(order_ids)])
      : tx.query<DueOrder>(takeDueOrders, values),
  )
}

async function pollBatch(app: App, provider: OpenProvider, batch: readonly DueOrder[]): Promise<number> {
  const rows = await readStatuses(app, provider, batch)
  return recordApart(
    app,
    batch.map(({ id, provider_order_id }) => ({ order_id: id, row: rows.get(provider_order_id) ?? MISSING })),
  )
}

/** Records all at once; when that fails, halves, so that one order that cannot be settled does not hold up its neighbours. */
async function recordApart(app: App, statuses: readonly ReadStatus[]): Promise<number> {
  try {
    return (await recordStatuses(app, statuses)).settled
  } catch (err) {
    if (statuses.length === 1) {
      app.log.error({ err, order_id: statuses[0]?.order_id }, 'the status of an order could not be taken over')
      return 0
    }
    const half = Math.ceil(statuses.length / 2)
    return (await recordApart(app, statuses.slice(0, half))) + (await recordApart(app, statuses.slice(half)))
  }
}

const MISSING: StatusRow = { ok: false, reason: 'missing', message: 'The provider answered nothing about this order.' }

async function readStatuses(
  app: App,
  provider: OpenProvider,
  batch: readonly DueOrder[],
): Promise<ReadonlyMap<string, StatusRow>> {
  try {
    return await provider.statuses(batch.map((order) => order.provider_order_id))
  } catch (error) {
    if (!(error instanceof ProviderReadError)) throw error
    app.log.warn({ provider_id: provider.row.id, reason: error.reason }, 'statuses could not be read')
    const row: StatusRow = { ok: false, reason: 'error', message: error.message }
    return new Map(batch.map((order) => [order.provider_order_id, row]))
  }
}
