import type { Actor } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import { present } from '#server/kit/invariant.ts'
import { int8Array, textArray } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { forgetServices } from '../sellable-services.ts'
import type { CatalogApp } from '../service.ts'
import {
  PlanChangedError,
  PlanInUseError,
  PlanNameTakenError,
  PlanNotFoundError,
  PlanServiceNotFoundError,
  TooManyPlansError,
} from './errors.ts'
import type { PlanTerms, PricePlan } from './price-plan.ts'
import { PLANS_MAX, selectPlan } from './queries.ts'

/** A plan as someone wants it. */
export interface StorePlan {
  /** Absent: a new one. */
  plan?: { id: bigint; version: bigint } | undefined
  terms: PlanTerms
  by: Actor
  reason: string
}

// One at a time: plans are few, and each is counted and named once.
const lockPlans = statement('lock table catalog.price_plan in share row exclusive mode')
const standing = statement(`
  select (select count(*)::int from catalog.price_plan) as plans, exists (select from catalog.price_plan where name = $1 and id is distinct from $2) as name_taken,
    (select id from unnest($3::bigint[]) as named (id) where not exists (select from catalog.service s where s.id = named.id) order by id limit 1) as no_service`)
const insertPlan = statement(`
  insert into catalog.price_plan (name, discount_bp, below_margin, updated_at) values ($1, $2, $3, $4) returning id`)
const updatePlan = statement(`
  update catalog.price_plan set name = $2, discount_bp = $3, below_margin = $4, updated_at = $5, version = version + 1 where id = $1`)
const clearTerms = statement('delete from catalog.price_plan_term where plan_id = $1')
const insertTerms = statement(`
  insert into catalog.price_plan_term (plan_id, service_id, category, rate, discount_bp)
  select $1, * from unnest($2::bigint[], $3::text[], $4::bigint[], $5::bigint[])`)
const insertChange = statement(`
  insert into catalog.price_plan_change (plan_id, version, at, user_id, reason, terms) values ($1, $2, $3, $4, $5, $6)`)

/**
 * Makes a price plan, or changes one that is at the version given: whole, as it is to stand. Those who have it pay by it from the next order on; what was ordered before keeps its rate. Answers
 * the plan. Throws PlanNotFoundError, PlanChangedError, PlanNameTakenError, PlanServiceNotFoundError, TooManyPlansError.
 */
export async function storePlan(app: CatalogApp, { plan, terms, by, reason }: StorePlan): Promise<PricePlan> {
  const stored = await app.db.transaction(async (tx) => {
    await tx.query(lockPlans)
    const before = plan && (await selectPlan(tx, plan.id))
    if (plan && !before) throw new PlanNotFoundError()
    if (plan && before && before.version !== plan.version) throw new PlanChangedError(before.version)
    await refuseWrong(tx, terms, plan?.id)
    const at = app.clock.now()
    const id = await write(tx, terms, plan?.id, at)
    const after = present(await selectPlan(tx, id), 'a stored plan is there')
    tx.send(insertChange, [id, after.version, at, by.user_id ?? null, reason, jsonOf(after)])
    recordActs(tx, [
      {
        action: before ? 'prices.plan_changed' : 'prices.plan_created',
        actor: by,
        subject: { kind: 'price_plan', id },
        ...(before && { before: summaryOf(before) }),
        after: summaryOf(after),
        reason,
      },
    ])
    return after
  })
  await forgetServices(app)
  return stored
}

async function refuseWrong(tx: Tx, { name, terms }: PlanTerms, id: bigint | undefined): Promise<void> {
  const services = terms.flatMap((term) => ('service_id' in term ? [term.service_id] : []))
  const [found] = await tx.query<{ plans: number; name_taken: boolean; no_service: bigint | null }>(standing, [
    name,
    id ?? null,
    int8Array(services),
  ])
  const { plans, name_taken, no_service } = present(found, 'a count is always answered')
  if (id === undefined && plans >= PLANS_MAX) throw new TooManyPlansError(PLANS_MAX)
  if (name_taken) throw new PlanNameTakenError()
  if (no_service !== null) throw new PlanServiceNotFoundError(no_service)
}

async function write(
  tx: Tx,
  { name, discount_bp, below_margin, terms }: PlanTerms,
  known: bigint | undefined,
  at: Date,
): Promise<bigint> {
  const id = known ?? (await insert(tx, [name, discount_bp, below_margin, at]))
  if (known !== undefined) {
    tx.send(updatePlan, [known, name, discount_bp, below_margin, at])
    tx.send(clearTerms, [known])
  }
  if (terms.length > 0) {
    tx.send(insertTerms, [
      id,
      int8Array(terms.map((term) => ('service_id' in term ? term.service_id : null))),
      textArray(terms.map((term) => ('category' in term ? term.category : null))),
      int8Array(terms.map((term) => ('rate' in term ? term.rate : null))),
      int8Array(terms.map((term) => ('discount_bp' in term ? term.discount_bp : null))),
    ])
  }
  return id
}

async function insert(tx: Tx, values: unknown[]): Promise<bigint> {
  const [row] = await tx.query<{ id: bigint }>(insertPlan, values)
  return present(row, 'an inserted plan has an id').id
}

const removePlanRow = statement('delete from catalog.price_plan where id = $1')
// Who gives it to someone at this moment holds its row: they come first, or find it gone.
const lockPlan = statement('select 1 as there from catalog.price_plan where id = $1 for update')
const inUse = statement(`
  select exists (select from catalog.price_plan_customer where plan_id = $1) or exists (select from catalog.price_plan_role where plan_id = $1) as yes`)

/** Removes a plan that nobody has; what it said is kept. Throws PlanNotFoundError, PlanInUseError. */
export async function removePlan(
  app: CatalogApp,
  { plan_id, by, reason }: { plan_id: bigint; by: Actor; reason: string },
): Promise<void> {
  await app.db.transaction(async (tx) => {
    await tx.query(lockPlans)
    await tx.query(lockPlan, [plan_id])
    const before = await selectPlan(tx, plan_id)
    if (!before) throw new PlanNotFoundError()
    const [{ yes }] = (await tx.query<{ yes: boolean }>(inUse, [plan_id])) as [{ yes: boolean }]
    if (yes) throw new PlanInUseError()
    tx.send(removePlanRow, [plan_id])
    tx.send(insertChange, [plan_id, before.version + 1n, app.clock.now(), by.user_id ?? null, reason, null])
    const subject = { kind: 'price_plan', id: plan_id }
    recordActs(tx, [{ action: 'prices.plan_removed', actor: by, subject, before: summaryOf(before), reason }])
  })
  await forgetServices(app)
}

/** The plan without its terms one by one: of those the history keeps all. */
function summaryOf({ name, discount_bp, below_margin, terms, version }: PricePlan) {
  return { name, discount_bp, below_margin, terms: terms.length, version }
}

function jsonOf({ name, discount_bp, below_margin, terms }: PricePlan): string {
  return JSON.stringify({ name, discount_bp, below_margin, terms }, (_, value: unknown) =>
    typeof value === 'bigint' ? String(value) : value,
  )
}
