import { ProviderReadError, type StatusRow } from '#server/domains/providers/provider.ts'
import type { OpenProvider, Providers } from '#server/domains/providers/registry.ts'
import { invariant } from '#server/kit/invariant.ts'
import type { App } from '#server/platform/app.ts'
import { int8Array } from '#server/platform/db/arrays.ts'
import { statement } from '#server/platform/db/database.ts'
import { askLease_ms } from '../ask-lease.ts'
import { recordApart } from '../record-apart.ts'
import { type ReadStatus, recordStatuses } from './record-statuses.ts'

/** Calls in one pass; each asks about as many orders as the provider takes. */
const CALLS_MAX = 16

/** Orders that may be asked about by name in one call. */
export const POLL_ORDERS_MAX = 1_000

/** After a call that told nothing about any order; the provider's breaker spares it longer if need be. */
const POSTPONE_MS = 5_000

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
 * Asks a provider about the orders whose check is due, longest due first, many in one call, and takes over the answers. One bad row does not spoil its
 * batch; a batch that could not be read is due again soon. `order_ids`: only these, due or not, at most POLL_ORDERS_MAX.
 */
export async function pollOrders(
  app: App,
  providers: Providers,
  provider_id: bigint,
  order_ids?: readonly bigint[],
): Promise<PollReport> {
  invariant((order_ids?.length ?? 0) <= POLL_ORDERS_MAX, 'pollOrders: too many orders by name')
  const provider = await providers.providerById(provider_id)
  const { statuses_max } = provider
  const limit = Math.min(CALLS_MAX, provider.row.concurrency) * statuses_max
  const due = await takeDue(app, provider, limit, order_ids)
  const batches: DueOrder[][] = []
  for (let at = 0; at < due.length; at += statuses_max) batches.push(due.slice(at, at + statuses_max))
  const settled = await Promise.all(batches.map((batch) => pollBatch(app, provider, batch)))
  return { asked: due.length, settled: settled.reduce((sum, n) => sum + n, 0), more: due.length === limit }
}

// The new check time is a lease: a worker that dies here leaves the orders due again a little later.
/** Takes orders of a provider whose check is due, and gives them a lease. */
export const takeDueOrders = statement(`
  with due as (
    select id from orders.orders where provider_id = $1 and next_check_at <= now()
    order by next_check_at limit $2::int for no key update skip locked
  )
  update orders.orders o set next_check_at = now() + make_interval(secs => $3::float8 / 1000)
  from due where o.id = due.id
  returning o.id, o.provider_order_id`)

const takeNamedOrders = statement(`
  with named as (
    select id from orders.orders
    where provider_id = $1 and next_check_at is not null and id = any($2::bigint[])
    -- In the order in which all lock orders.
    order by id for no key update
  )
  update orders.orders o set next_check_at = now() + make_interval(secs => $3::float8 / 1000)
  from named where o.id = named.id
  returning o.id, o.provider_order_id`)

async function takeDue(
  app: App,
  provider: OpenProvider,
  limit: number,
  order_ids: readonly bigint[] | undefined,
): Promise<DueOrder[]> {
  const lease_ms = askLease_ms(provider.row)
  return order_ids
    ? app.db.query<DueOrder>(takeNamedOrders, [provider.row.id, int8Array(order_ids), lease_ms])
    : app.db.query<DueOrder>(takeDueOrders, [provider.row.id, limit, lease_ms])
}

/** Answers how many orders ended. */
async function pollBatch(app: App, provider: OpenProvider, batch: readonly DueOrder[]): Promise<number> {
  const rows = await readStatuses(app, provider, batch)
  if (!rows) {
    await app.db.query(postpone, [int8Array(batch.map((order) => order.id)), POSTPONE_MS])
    return 0
  }
  let settled = 0
  const statuses = batch.map(({ id, provider_order_id }): ReadStatus => {
    return { order_id: id, row: rows.get(provider_order_id) ?? MISSING }
  })
  await recordApart(app, 'orders.poll', statuses, async (part) => {
    settled += (await recordStatuses(app, part)).settled
  })
  return settled
}

const MISSING: StatusRow = { ok: false, reason: 'missing', message: 'The provider answered nothing about this order.' }

/** Undefined when nothing could be read: that says nothing about any of the orders. */
async function readStatuses(
  app: App,
  provider: OpenProvider,
  batch: readonly DueOrder[],
): Promise<ReadonlyMap<string, StatusRow> | undefined> {
  try {
    return await provider.statuses(batch.map((order) => order.provider_order_id))
  } catch (error) {
    if (!(error instanceof ProviderReadError)) throw error
    app.log.warn({ provider_id: provider.row.id, reason: error.reason }, 'statuses could not be read')
    return undefined
  }
}

const postpone = statement(`
  update orders.orders set next_check_at = now() + make_interval(secs => $2::float8 / 1000)
  where id in (
    select id from orders.orders where id = any($1::bigint[]) and next_check_at is not null order by id for no key update
  )`)
