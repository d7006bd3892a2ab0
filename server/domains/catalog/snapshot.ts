import type { Db } from '#server/platform/db/database.ts'
import { type Discount, type HeldDiscount, selectStandingDiscounts } from './discounts/queries.ts'
import { type FindRule, findRuleAmong, scopeOf } from './markups/markup-rule.ts'
import { selectRules } from './markups/queries.ts'
import { type FindPlanRate, findPlanRate, type PricePlan } from './plans/price-plan.ts'
import { selectHeldPlans } from './plans/queries.ts'
import { selectAllServices, selectRevision } from './queries.ts'
import type { CatalogApp, Service } from './service.ts'
import { selectQuarantines, selectSourcings } from './sources/queries.ts'
import { type Quarantine, type Sourcing, soldThrough } from './sources/source.ts'

/**
 * How long a process may go on with a revision it has read. It bounds how old a price can be, seen from other processes than the one that
 * changed it: an order is priced by the row it read, at most this old.
 */
export const REVISION_TTL_MS = 2_000

/** Under which the cache keeps the revision. */
export const REVISION_KEY = 'catalog.revision'

/** One revision of the catalogue as this process holds it. Never changed once made, but for what was rendered and looked up of it. */
export interface Snapshot {
  revision: bigint
  by_id: ReadonlyMap<bigint, Service>
  /** Those sold, by category and position. */
  active: readonly Service[]
  routing: Routing
  /** Price plans that someone has, and discounts that someone has or may come to have, and how each prices. */
  plans: ReadonlyMap<bigint, PricePlan & { find: FindPlanRate }>
  discounts: ReadonlyMap<bigint, Discount & { find: FindPlanRate }>
  /** The rule by which a service is marked up, for its least margin; undefined while there are neither plans nor discounts. */
  findRule: FindRule | undefined
  /** What was looked up of customers. */
  holdings: Map<bigint, Holding>
  /** What was rendered for all, by form; and at the rates of some customers, by form and what prices for them, what was asked for last at the end. */
  rendered: Map<string, string>
  rendered_for_some: Map<string, string>
}

/** What a customer has: a plan, and discounts each of which ends by itself. */
export interface Holding {
  plan_id: bigint | undefined
  discounts: readonly HeldDiscount[]
  /** When it was looked up, on the monotonic clock. */
  read_ms: number
}

/** What decides where orders go, of one revision of the catalogue. */
export interface Routing {
  /** Services with several sources, by id. */
  sourcings: ReadonlyMap<bigint, Sourcing>
  /** What gets no orders for a while, by id. */
  quarantines: ReadonlyMap<bigint, Quarantine>
}

interface Holder {
  snapshot: Snapshot | undefined
  loading: Promise<Snapshot> | undefined
}

// By database, so that two apps in one process, as in tests, do not see each other's catalogue.
const holders = new WeakMap<Db, Holder>()

/** The catalogue as it stands, from memory unless it has changed. */
export async function currentSnapshot(app: CatalogApp): Promise<Snapshot> {
  // As text, for a cache shared between processes keeps JSON.
  const read = await app.cache.getOrLoad(REVISION_KEY, REVISION_TTL_MS, async () =>
    String(await selectRevision(app.db)),
  )
  const revision = BigInt(read)
  const holder = holderOf(app.db)
  // The higher revision wins: a read that was slow to come never brings an older catalogue back.
  if (holder.snapshot && holder.snapshot.revision >= revision) return holder.snapshot
  holder.loading ??= load(app, holder).finally(() => {
    holder.loading = undefined
  })
  const loaded = await holder.loading
  return loaded.revision >= revision ? loaded : currentSnapshot(app)
}

function holderOf(db: Db): Holder {
  let holder = holders.get(db)
  if (!holder) {
    holder = { snapshot: undefined, loading: undefined }
    holders.set(db, holder)
  }
  return holder
}

/** Looks up anew what a customer has, when it is asked for next in this process. To be called after a discount of theirs has committed. */
export function forgetPricesOf(app: Pick<CatalogApp, 'db'>, customer_id: bigint): void {
  holders.get(app.db)?.snapshot?.holdings.delete(customer_id)
}

async function load({ db, clock }: CatalogApp, holder: Holder): Promise<Snapshot> {
  // The revision first: the rows may then be newer than it says, and are read once more; never older.
  const revision = await selectRevision(db)
  const rows = await selectAllServices(db)
  const sourcings = await selectSourcings(db, new Map(rows.map((row) => [row.id, row])))
  const quarantines = await selectQuarantines(db)
  const services = rows.map((row) => {
    const sourcing = sourcings.get(row.id)
    return sourcing ? soldThrough(row, sourcing) : row
  })
  // None as long as nobody has one: then no order looks for any.
  const plans = await selectHeldPlans(db)
  const discounts = await selectStandingDiscounts(db, clock.now())
  const snapshot: Snapshot = {
    revision,
    by_id: new Map(services.map((service) => [service.id, service])),
    active: services.filter((service) => service.active),
    routing: { sourcings, quarantines },
    plans: new Map(plans.map((plan) => [plan.id, { ...plan, find: findPlanRate(plan) }])),
    discounts: new Map(discounts.map((each) => [each.id, { ...each, find: findPlanRate({ ...each, terms: [] }) }])),
    findRule: plans.length + discounts.length > 0 ? await loadRules(db) : undefined,
    holdings: new Map(),
    rendered: new Map(),
    rendered_for_some: new Map(),
  }
  holder.snapshot = snapshot
  return snapshot
}

async function loadRules(db: Db): Promise<FindRule | undefined> {
  const rules = await selectRules(db)
  const house = rules.find((rule) => scopeOf(rule).of === 'house')
  return house && findRuleAmong(rules, house)
}
