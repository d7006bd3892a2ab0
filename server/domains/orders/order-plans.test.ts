import { expect, test } from 'vitest'
import { importServices } from '#server/domains/catalog/import-services.ts'
import { selectAllServices } from '#server/domains/catalog/queries.ts'
import type { Service } from '#server/domains/catalog/service.ts'
import { imposeQuarantine } from '#server/domains/catalog/sources/impose-quarantine.ts'
import { setSource } from '#server/domains/catalog/sources/set-source.ts'
import type { App } from '#server/platform/app.ts'
import type { Db, Statement, Tx } from '#server/platform/db/database.ts'
import { testApp } from '#test/support/app.ts'
import { importOf, insertProvider, offeredService } from '#test/support/catalog.ts'
import { openCustomerReads } from './customer-reads.ts'
import { expireWaitingOrders } from './desk/expire-waiting-orders.ts'
import { exportOrders } from './desk/export-orders.ts'
import { countOrders, listOrders, type OrderFilter, SORTS } from './desk/list-orders.ts'
import { syncOrders } from './desk/sync-orders.ts'
import { type ClaimLimits, claimOrders } from './dispatching/claim-orders.ts'
import { sweepDispatches } from './dispatching/sweep-dispatches.ts'
import { exportOwnOrders } from './export-own-orders.ts'
import { takeDueOrders } from './following/poll-orders.ts'
import { VISIBLE_STATUSES } from './order.ts'
import { findOrders, providersWithWork, waitingOrders } from './queries.ts'
import { rerouteOrders } from './routing/reroute-orders.ts'

const ROWS = 12_000
const MILLION = 1_000_000

/** More than this is not sorted for a page, nor gathered for it; a count stops at ten thousand. */
const SORTED_MAX = 30_000

/** In the planner's units. With its index the dearest of these costs 6,000; a walk through all orders, sought in vain, 16,000 and more. */
const COST_MAX = 10_000

/**
 * Orders as they lie after years: a few wait or are under way, most are done, a handful of services and providers have most of them. The planner is told that there are
 * a million of the kind.
 */
async function setup() {
  const app = await testApp()
  const provider_id = await insertProvider(app.db, 'panel')
  await app.db.query(`
    insert into orders.orders (id, hold, customer_id, wallet, service_id, provider_id, quantity, rate, charge, expected_cost, captured, released,
      link, provider_service_id, provider_order_id, asset, cost_asset, type, state, reason, version, placed_at, finished_at, waiting_since,
      claimed_until, next_check_at)
    select nextval('orders.order_number'), -n, 1 + (n * 7919) % 3000, 1, 1 + least((n * 31) % 100, (n * 17) % 90), 1 + (n % 11) / 4, 100, 1000000,
      100000, 1, case state when 'completed' then 100000 when 'partial' then 60000 else 0 end,
      case state when 'partial' then 40000 when 'cancelled' then 100000 else 0 end, 'https://example.com/' || n, (n % 40)::text,
      case when state not in ('queued', 'dispatching', 'failed', 'unknown') then 'p' || n end, 'USD', 'USD', 'Default', state,
      case when state in ('failed', 'unknown') then 'bad_link' end, 1, now() - make_interval(mins => ${ROWS} - n),
      case when state in ('completed', 'partial', 'cancelled') then now() end,
      case when state in ('queued', 'dispatching', 'unknown', 'failed') then now() - interval '1 hour' end,
      case when state = 'dispatching' then now() + interval '1 hour' end, case when state in ('pending', 'in_progress') then now() + interval '1 hour' end
    from generate_series(1, ${ROWS}) as n, lateral (select case when n % 400 = 1 then 'failed' when n % 1000 = 2 then 'unknown'
      when n % 40 = 3 then 'partial' when n % 30 = 4 then 'cancelled' when n > ${ROWS} - 100 then 'queued' when n > ${ROWS} - 200 then 'dispatching'
      when n > ${ROWS} - 600 then 'pending' when n > ${ROWS} - 800 then 'in_progress' else 'completed' end as state) as stands`)
  await app.db.query('analyze orders.orders')
  await app.db.query(`
    select pg_restore_relation_stats('schemaname', 'orders', 'relname', relname::text, 'relpages', relpages,
      'reltuples', (reltuples * ${MILLION / ROWS})::real)
    from pg_class where oid = 'orders.orders'::regclass or oid in (select indexrelid from pg_index where indrelid = 'orders.orders'::regclass)`)
  return { app, provider_id }
}

interface Plan {
  'Node Type': string
  'Relation Name'?: string
  'Index Name'?: string
  'Plan Rows': number
  'Total Cost': number
  Plans?: Plan[]
}

/** Runs statements as they are, and asks for the plan of each first: of one in the source the plan that is kept for all values, of one made for its filters that for these. */
function explaining(app: App, bad: string[]): { app: App; explained: () => number; indexes: Set<string> } {
  let explained = 0
  const indexes = new Set<string>()
  const explain = async (sql: Statement | string, values: readonly unknown[] = []) => {
    const generic = typeof sql !== 'string'
    const text = generic ? sql.text : sql
    if (!text.includes('orders.orders')) return
    explained += 1
    const options = generic ? 'generic_plan, format json' : 'format json'
    const [row] = await app.db.query<{ 'QUERY PLAN': [{ Plan: Plan }] }>(
      `explain (${options}) ${text}`,
      generic ? [] : values,
    )
    if (!row) return
    const plan = row['QUERY PLAN'][0].Plan
    for (const index of indexesIn(plan)) indexes.add(index)
    const wrong = faultsOf(plan)
    if (plan['Total Cost'] > COST_MAX) wrong.push(`costs ${plan['Total Cost']}`)
    if (wrong.length > 0)
      bad.push(
        `${wrong.join('; ')}: ${text} ${JSON.stringify(values, (_, v) => (typeof v === 'bigint' ? String(v) : v))}`,
      )
  }
  const watched = (tx: Tx): Tx => ({
    ...tx,
    query: async (sql, values) => {
      await explain(sql, values)
      return tx.query(sql, values)
    },
  })
  const db: Db = {
    ...app.db,
    query: async (sql, values) => {
      await explain(sql, values)
      return app.db.query(sql, values)
    },
    transaction: (work) => app.db.transaction((tx) => work(watched(tx))),
  }
  return { app: { ...app, db }, explained: () => explained, indexes }
}

function indexesIn(plan: Plan): string[] {
  const own = plan['Index Name'] ? [plan['Index Name']] : []
  return [...own, ...(plan.Plans ?? []).flatMap(indexesIn)]
}

/** What no page may need: a table read whole, or more rows sorted or gathered than a page is worth. */
function faultsOf(plan: Plan): string[] {
  const below = plan.Plans ?? []
  const kind = plan['Node Type']
  const rows = below.reduce((most, each) => Math.max(most, each['Plan Rows']), 0)
  const faults = below.flatMap(faultsOf)
  if (kind === 'Seq Scan' && plan['Relation Name'] === 'orders') faults.push('reads all orders')
  if (kind === 'Sort' && rows > SORTED_MAX) faults.push(`sorts ${rows}`)
  if (kind === 'Bitmap Heap Scan' && plan['Plan Rows'] > SORTED_MAX) faults.push(`gathers ${plan['Plan Rows']}`)
  return faults
}

const HOUR_MS = 3_600_000
const ago = (hours: number) => new Date(Date.now() - hours * HOUR_MS)

const FILTERS: OrderFilter[] = [
  {},
  { states: ['failed', 'unknown'] },
  { states: ['queued'] },
  { states: ['completed'] },
  { states: ['partial'] },
  { states: ['pending', 'processing', 'in_progress'] },
  { customer_id: 17n },
  { service_id: 2n },
  { service_id: 85n },
  { provider_id: 1n },
  { provider_id: 999n },
  { provider_order_id: 'p777' },
  { reason: 'bad_link' },
  { reason: 'never_seen' },
  { from: ago(24) },
  { to: ago(150) },
  { from: ago(180), to: ago(150) },
  { service_id: 2n, states: ['completed'], from: ago(100) },
  { service_id: 85n, states: ['partial'], to: ago(150) },
  { provider_id: 1n, states: ['failed'], from: ago(100) },
  { provider_id: 999n, states: ['completed'], to: ago(100) },
  { customer_id: 17n, service_id: 2n, states: ['completed'] },
  { customer_id: 17n, from: ago(180), to: ago(100) },
]

test('no list, export, queue or chore reads a million orders whole, or sorts many of them', async () => {
  const { app: plain, provider_id } = await setup()
  await expectExported(plain)
  const bad: string[] = []
  const { app, explained } = explaining(plain, bad)
  for (const filter of FILTERS) {
    for (const sort of SORTS) await listOrders(app, filter, { sort, limit: 50 })
    const { orders } = await listOrders(plain, filter, { sort: 'newest', limit: 10 })
    await listOrders(app, filter, { sort: 'newest', behind: orders.at(-1), limit: 50 })
    await countOrders(app, filter)
    for await (const _ of exportOrders(app, filter)) if (_.length > 1_000) break
  }
  const reads = openCustomerReads(app.db)
  for (const status of [undefined, ...VISIBLE_STATUSES]) {
    await reads.page(17n, 10n ** 12n, 25, status)
    for await (const _ of exportOwnOrders(app, 17n, status));
  }
  await reads.order(17n, 1n)
  await findOrders(app.db, 17n, [1n, 2n])
  await waitingOrders(app.db, ['unknown', 'failed'], 0n, 100)
  await providersWithWork(app.db)
  await app.db.query(takeDueOrders, [provider_id, 100, 1_000])
  await syncOrders(app, { provider_id })
  await sweepDispatches(app)
  await claimOrders(app, claimLimits(provider_id))
  await expireWaitingOrders(app)
  expect(bad).toEqual([])
  expect(explained()).toBeGreaterThan(150)
})

function claimLimits(provider_id: bigint): ClaimLimits {
  return {
    ...{ provider_id, room: 50, balance: undefined, budget: 0n },
    ...{ lease_ms: 1_000, after_customer: 0n, idempotency: 'none' },
  }
}

test('what waits for one source is found without walking through what waits for its provider', async () => {
  const { app: plain, provider_id } = await setup()
  const other_id = await insertProvider(plain.db, 'other')
  for (const id of [provider_id, other_id]) await importServices(plain, importOf(id, [offeredService('1')]))
  const [service, source] = (await selectAllServices(plain.db)) as [Service, Service]
  await setSource(plain, { service_id: service.id, source_id: source.id })
  await imposeQuarantine(plain, { service_id: service.id, reason: 'It refuses.', hours: 1 })
  const bad: string[] = []
  const moving = explaining(plain, bad)
  await rerouteOrders(moving.app)
  expect(moving.indexes).toContain('orders_queued_of_source')
  const trying = explaining(plain, bad)
  const clock = { ...plain.clock, now: () => new Date(Date.now() + 2 * HOUR_MS) }
  await claimOrders({ ...trying.app, clock }, claimLimits(provider_id))
  expect(trying.indexes).toContain('orders_queued_of_source')
  expect(bad).toEqual([])
})

/** Page by page, each order once. */
async function expectExported(app: App): Promise<void> {
  const seen: string[] = []
  for await (const page of exportOrders(app, {})) {
    for (const line of page.trimEnd().split('\r\n')) seen.push(line.slice(0, line.indexOf(',')))
  }
  expect(seen).toHaveLength(ROWS + 1)
  expect(new Set(seen).size).toBe(ROWS + 1)
}
