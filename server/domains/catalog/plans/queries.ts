import { type Db, statement, type Tx } from '#server/platform/db/database.ts'
import type { PlanTerm, PricePlan } from './price-plan.ts'

/** More plans than any business keeps apart. */
export const PLANS_MAX = 500

const COLUMNS = 'id, name, discount_bp, below_margin, version, updated_at'

const allPlans = statement(`select ${COLUMNS} from catalog.price_plan order by id limit ${PLANS_MAX}`)
const planById = statement(`select ${COLUMNS} from catalog.price_plan where id = $1`)
const allTerms = statement(`
  select plan_id, service_id, category, rate, discount_bp from catalog.price_plan_term order by plan_id, service_id, category`)
const termsOfPlan = statement(`
  select plan_id, service_id, category, rate, discount_bp from catalog.price_plan_term where plan_id = $1 order by service_id, category`)
const planRoles = statement('select role, plan_id from catalog.price_plan_role order by role')
const anyCustomer = statement('select 1 as there from catalog.price_plan_customer limit 1')
const planOfCustomers = statement(`
  select person.id as customer_id, own.plan_id as own_plan_id, of_role.plan_id as role_plan_id
  from identity.user person
  left join catalog.price_plan_customer own on own.customer_id = person.id
  left join catalog.price_plan_role of_role on of_role.role = person.role
  where person.id = any($1::bigint[])`)
const customersOn = statement(`
  select plan_id, count(*)::int as customers from catalog.price_plan_customer group by plan_id`)
const changesOfPlan = statement(`
  select version, at, user_id, reason, terms from catalog.price_plan_change where plan_id = $1 order by version desc limit $2`)

type PlanRow = Omit<PricePlan, 'terms'>
interface TermRow {
  plan_id: bigint
  service_id: bigint | null
  category: string | null
  rate: bigint | null
  discount_bp: bigint | null
}

/** Every plan with its terms, oldest first. */
export async function selectPlans(db: Pick<Db, 'query'>): Promise<PricePlan[]> {
  const plans = await db.query<PlanRow>(allPlans)
  if (plans.length === 0) return []
  const terms = Map.groupBy(await db.query<TermRow>(allTerms), ({ plan_id }) => plan_id)
  return plans.map((plan) => ({ ...plan, terms: (terms.get(plan.id) ?? []).map(termOf) }))
}

/** One plan; undefined when there is none. */
export async function selectPlan(db: Pick<Db | Tx, 'query'>, id: bigint): Promise<PricePlan | undefined> {
  const [plan] = await db.query<PlanRow>(planById, [id])
  return plan && { ...plan, terms: (await db.query<TermRow>(termsOfPlan, [id])).map(termOf) }
}

function termOf({ service_id, category, rate, discount_bp }: TermRow): PlanTerm {
  const price = rate === null ? { discount_bp: discount_bp ?? 0n } : { rate }
  return service_id === null ? { category: category ?? '', ...price } : { service_id, ...price }
}

/** Which plan people of a role have, where nothing is said of them alone. */
export function selectPlanRoles(db: Pick<Db, 'query'>): Promise<{ role: string; plan_id: bigint }[]> {
  return db.query(planRoles)
}

/** Whether any customer has a plan of their own. */
export async function hasPlanCustomers(db: Pick<Db, 'query'>): Promise<boolean> {
  return (await db.query(anyCustomer)).length > 0
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
  /** As they were stored; null when the plan was removed. */
  terms: Record<string, unknown> | null
}

/** What a plan said since when, latest first. */
export function selectPlanChanges(db: Pick<Db, 'query'>, plan_id: bigint, limit: number): Promise<PlanChange[]> {
  return db.query(changesOfPlan, [plan_id, limit])
}
