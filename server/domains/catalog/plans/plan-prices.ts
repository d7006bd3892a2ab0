import { int8Array } from '#server/platform/db/arrays.ts'
import type { CatalogApp, Service } from '../service.ts'
import { currentSnapshot, REVISION_TTL_MS, type Snapshot } from '../snapshot.ts'
import { dearest } from './price-plan.ts'
import { selectPlansOf } from './queries.ts'

/** Customers whose plan is remembered. Beyond, all are forgotten and looked up anew. */
const REMEMBERED_MAX = 50_000

/** What some customers pay. */
export interface CustomerPrices {
  /** The service at the rate that this customer pays: the same that their list shows. */
  priced(customer_id: bigint, service: Service): Service
  /** The plan that prices for this customer; undefined where the list does. */
  planOf(customer_id: bigint): bigint | undefined
}

const LIST: CustomerPrices = { priced: (_, service) => service, planOf: () => undefined }

/**
 * How these customers are charged: by their own price plan, or else their role's, or the list. From memory, at most REVISION_TTL_MS old; nothing is looked up while nobody has a plan. The one
 * place that says what a customer pays.
 */
export async function openPrices(
  app: CatalogApp,
  customers: readonly bigint[],
  read?: Snapshot,
): Promise<CustomerPrices> {
  const snapshot = read ?? (await currentSnapshot(app))
  const { plans, findRule, routing } = snapshot
  if (plans.size === 0) return LIST
  const own = await lookUp(app, snapshot, customers)
  return {
    // A plan that was given just now is not in this revision yet; until the next the list prices.
    planOf: (customer_id) => {
      const plan_id = own.get(customer_id)
      return plan_id !== undefined && plans.has(plan_id) ? plan_id : undefined
    },
    priced: (customer_id, service) => {
      const plan_id = own.get(customer_id)
      const plan = plan_id === undefined ? undefined : plans.get(plan_id)
      if (!plan) return service
      const { rate } = plan.find(dearest(service, routing), findRule?.(service).minimum_margin ?? 0n)
      return { ...service, rate }
    },
  }
}

/** A role may change without the catalogue: what was looked up holds no longer than a revision does. */
async function lookUp(
  app: CatalogApp,
  { plan_of }: Snapshot,
  customers: readonly bigint[],
): Promise<Map<bigint, bigint | undefined>> {
  const now_ms = app.clock.monotonic_ms()
  const own = new Map<bigint, bigint | undefined>()
  const unknown = new Set<bigint>()
  for (const id of customers) {
    const known = plan_of.get(id)
    if (known && now_ms - known.read_ms <= REVISION_TTL_MS) own.set(id, known.plan_id)
    else unknown.add(id)
  }
  if (unknown.size === 0) return own
  const rows = await selectPlansOf(app.db, int8Array([...unknown]))
  const found = new Map(rows.map((row) => [row.customer_id, row.own_plan_id ?? row.role_plan_id ?? undefined]))
  if (plan_of.size + unknown.size > REMEMBERED_MAX) plan_of.clear()
  for (const id of unknown) {
    own.set(id, found.get(id))
    plan_of.set(id, { plan_id: found.get(id), read_ms: now_ms })
  }
  return own
}
