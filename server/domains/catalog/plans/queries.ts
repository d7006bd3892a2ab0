import { int8Array } from '#server/platform/db/arrays.ts'
import { type Db, statement, type Tx } from '#server/platform/db/database.ts'
import type { PlanTerm, PricePlan } from './price-plan.ts'

/** More plans than any business keeps apart. */
export const PLANS_MAX = 500

const COLUMNS = 'id, name, discount_bp, below_margin, version, updated_at'

// Of no plan are the terms read where their number will do: there may be half a million.
const countedPlans = statement(`
  select ${COLUMNS},
    (select count(*)::int from catalog.price_plan_term term where term.plan_id = plan.id) as terms
  from catalog.price_plan plan order by id limit ${PLANS_MAX}`)
const heldPlans = statement(`
  select ${COLUMNS} from catalog.price_plan plan
  where exists (select from catalog.price_plan_customer own where own.plan_id = plan.id)
    or exists (select from catalog.price_plan_role of_role where of_role.plan_id = plan.id)
  order by id limit ${PLANS_MAX}`)
const planById = statement(`select ${COLUMNS} from catalog.price_plan where id = $1`)
const termsOfPlans = statement(`
  select plan_id, service_id, category, rate, discount_bp from catalog.price_plan_term
  where plan_id = any($1::bigint[]) order by plan_id, service_id, category`)
const planRoles = statement('select role, plan_id from catalog.price_plan_role order by role')
const planOfCustomers = statement(`
  select person.id as customer_id, own.plan_id as own_plan_id, of_role.plan_id as role_plan_id
  from identity.user person
  left join catalog.price_plan_customer own on own.customer_id = person.id
  left join catalog.price_plan_role of_role on of_role.role = person.role
  where person.id = any($1::bigint[])`)
const customersOn = statement(`
  select plan_id, count(*)::int as customers from catalog.price_plan_customer group by plan_id`)
const changesOfPlan = statement(`
  select version, at, user_id, reason, (terms->>'discount_bp')::bigint as discount_bp, jsonb_array_length(terms->'terms') as terms
  from catalog.price_plan_change where plan_id = $1 order by version desc limit $2`)

type PlanRow = Omit<PricePlan, 'terms'>
interface TermRow {
  plan_id: bigint
  service_id: bigint | null
  category: string | null
  rate: bigint | null
  discount_bp: bigint | null
}

/** A plan, and how many terms it has. */
export interface CountedPlan extends PlanRow {
  terms: number
}

/** Every plan, oldest first. */
export function selectCountedPlans(db: Pick<Db, 'query'>): Promise<CountedPlan[]> {
  return db.query<CountedPlan>(countedPlans)
}

/** The plans that someone has, as their own or by their role, with their terms, oldest first. */
export async function selectHeldPlans(db: Pick<Db, 'query'>): Promise<PricePlan[]> {
  return withTerms(db, await db.query<PlanRow>(heldPlans))
}

/** One plan; undefined when there is none. */
export async function selectPlan(db: Pick<Db | Tx, 'query'>, id: bigint): Promise<PricePlan | undefined> {
  return (await withTerms(db, await db.query<PlanRow>(planById, [id])))[0]
}

async function withTerms(db: Pick<Db | Tx, 'query'>, plans: PlanRow[]): Promise<PricePlan[]> {
  if (plans.length === 0) return []
  const rows = await db.query<TermRow>(termsOfPlans, [int8Array(plans.map(({ id }) => id))])
  const terms = Map.groupBy(rows, ({ plan_id }) => plan_id)
  return plans.map((plan) => ({ ...plan, terms: (terms.get(plan.id) ?? []).map(termOf) }))
}

function termOf({ service_id, category, rate, discount_bp }: TermRow): PlanTerm {
  const price = rate === null ? { discount_bp: discount_bp ?? 0n } : { rate }
  return service_id === null ? { category: category ?? '', ...price } : { service_id, ...price }
}

/** Which plan people of a role have, where nothing is said of them alone. */
export function selectPlanRoles(db: Pick<Db, 'query'>): Promise<{ role: string; plan_id: bigint }[]> {
  return db.query(planRoles)
}

/** Which plans customers have: their own, and that of their role. Unknown customers are absent. */
export function selectPlansOf(
  db: Pick<Db | Tx, 'query'>,
  customers: Buffer,
): Promise<{ customer_id: bigint; own_plan_id: bigint | null; role_plan_id: bigint | null }[]> {
  return db.query(planOfCustomers, [customers])
}

/** How many customers have each plan as their own. */
export async function countPlanCustomers(db: Pick<Db, 'query'>): Promise<Map<bigint, number>> {
  const rows = await db.query<{ plan_id: bigint; customers: number }>(customersOn)
  return new Map(rows.map(({ plan_id, customers }) => [plan_id, customers]))
}

/** One change of a plan. */
export interface PlanChange {
  version: bigint
  at: Date
  user_id: bigint | null
  reason: string | null
  /** Off the list, and the number of terms, as they were stored; null when the plan was removed. */
  discount_bp: bigint | null
  terms: number | null
}

/** What a plan said since when, latest first. */
export function selectPlanChanges(db: Pick<Db, 'query'>, plan_id: bigint, limit: number): Promise<PlanChange[]> {
  return db.query(changesOfPlan, [plan_id, limit])
}
