import { int8Array } from '#server/platform/db/arrays.ts'
import { selectHeldDiscounts } from '../discounts/queries.ts'
import type { CatalogApp, Service } from '../service.ts'
import { currentSnapshot, type Holding, REVISION_TTL_MS, type Snapshot } from '../snapshot.ts'
import { dearest, type FindPlanRate } from './price-plan.ts'
import { selectPlansOf } from './queries.ts'

/** Customers of whom it is remembered what they have. Beyond, all are forgotten and looked up anew. */
const REMEMBERED_MAX = 50_000

/** What some customers pay, at the moment at which it was opened. */
export interface CustomerPrices {
  /** The service at the rate that this customer pays: the same that their list shows. */
  priced(customer_id: bigint, service: Service): Service
  /** What prices for this customer, such as `plan 3`: as long as that is the same, so are the rates. Undefined where the list does. */
  pricingOf(customer_id: bigint): string | undefined
  /** When the next of what prices for this customer ends by itself; undefined where nothing does. */
  endsAt(customer_id: bigint): Date | undefined
}

const LIST: CustomerPrices = { priced: (_, service) => service, pricingOf: () => undefined, endsAt: () => undefined }

/** What prices for one customer at one moment. */
interface Pricing {
  name: string
  plan: FindPlanRate | undefined
  discounts: FindPlanRate[]
  ends_at: Date | undefined
}

/**
 * How these customers are charged: by their own price plan, or else their role's, or the list; or less, where a discount that they have makes less of the list. From memory, at most
 * REVISION_TTL_MS old, while discounts end on time by the clock; nothing is looked up while nobody has a plan and there are no discounts. The one place that says what a customer pays.
 */
export async function openPrices(
  app: CatalogApp,
  customers: readonly bigint[],
  read?: Snapshot,
): Promise<CustomerPrices> {
  const snapshot = read ?? (await currentSnapshot(app))
  const { plans, discounts, findRule, routing } = snapshot
  if (plans.size === 0 && discounts.size === 0) return LIST
  const held = await lookUp(app, snapshot, customers)
  // After the look-up: what has ended while it lasted prices no more.
  const now = app.clock.now()
  const pricings = new Map<bigint, Pricing>()
  for (const [customer_id, holding] of held) {
    const pricing = pricingAt(now, holding, snapshot)
    if (pricing) pricings.set(customer_id, pricing)
  }
  return {
    pricingOf: (customer_id) => pricings.get(customer_id)?.name,
    endsAt: (customer_id) => pricings.get(customer_id)?.ends_at,
    priced: (customer_id, service) => {
      const pricing = pricings.get(customer_id)
      if (!pricing) return service
      const costing = dearest(service, routing)
      const margin = findRule?.(service).minimum_margin ?? 0n
      let rate = pricing.plan?.(costing, margin).rate ?? service.rate
      for (const find of pricing.discounts) {
        const less = find(costing, margin).rate
        if (less < rate) rate = less
      }
      return { ...service, rate }
    },
  }
}

/** What was given just now is not in this revision yet; until the next it does not price. */
function pricingAt(now: Date, holding: Holding, { plans, discounts }: Snapshot): Pricing | undefined {
  const plan = holding.plan_id === undefined ? undefined : plans.get(holding.plan_id)
  const names = plan ? [`plan ${plan.id}`] : []
  const finds: FindPlanRate[] = []
  let ends_at: Date | undefined
  for (const held of holding.discounts) {
    const discount = discounts.get(held.discount_id)
    if (!discount || held.ends_at <= now) continue
    names.push(`discount ${discount.id}`)
    finds.push(discount.find)
    if (ends_at === undefined || held.ends_at < ends_at) ends_at = held.ends_at
  }
  return names.length === 0 ? undefined : { name: names.join(', '), plan: plan?.find, discounts: finds, ends_at }
}

/** A role may change without the catalogue, and a discount is granted without it: what was looked up holds no longer than a revision does. */
async function lookUp(
  app: CatalogApp,
  { holdings, plans, discounts }: Snapshot,
  customers: readonly bigint[],
): Promise<Map<bigint, Holding>> {
  const now_ms = app.clock.monotonic_ms()
  const held = new Map<bigint, Holding>()
  const unknown = new Set<bigint>()
  for (const id of customers) {
    const known = holdings.get(id)
    if (known && now_ms - known.read_ms <= REVISION_TTL_MS) held.set(id, known)
    else unknown.add(id)
  }
  if (unknown.size === 0) return held
  const ids = int8Array([...unknown])
  const [rows, granted] = await Promise.all([
    plans.size === 0 ? [] : selectPlansOf(app.db, ids),
    discounts.size === 0 ? undefined : selectHeldDiscounts(app.db, ids, app.clock.now()),
  ])
  const own = new Map(rows.map((row) => [row.customer_id, row.own_plan_id ?? row.role_plan_id ?? undefined]))
  if (holdings.size + unknown.size > REMEMBERED_MAX) holdings.clear()
  for (const id of unknown) {
    const holding = { plan_id: own.get(id), discounts: granted?.get(id) ?? [], read_ms: now_ms }
    held.set(id, holding)
    holdings.set(id, holding)
  }
  return held
}
