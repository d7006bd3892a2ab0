import type { Actor } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import { UserNotFoundError } from '#server/domains/identity/errors.ts'
import { RoleNotFoundError } from '#server/domains/identity/rights/errors.ts'
import { statement } from '#server/platform/db/database.ts'
import { forgetServices } from '../sellable-services.ts'
import type { CatalogApp } from '../service.ts'
import { PlanNotFoundError } from './errors.ts'

/** Who gets a plan, or with null none. */
export interface AssignPlan {
  to: { customer_id: bigint } | { role: string }
  plan_id: bigint | null
  by: Actor
  reason: string
}

// The person, or the role, is locked so that two who assign at once take turns; the plan, so that it is not removed meanwhile.
const lockCustomer = statement('select 1 as there from identity.user where id = $1 for no key update')
const lockRole = statement('select 1 as there from identity.role where name = $1 for no key update')
const lockPlan = statement('select 1 as there from catalog.price_plan where id = $1 for key share')

const readCustomer = statement('select plan_id from catalog.price_plan_customer where customer_id = $1')
const readRole = statement('select plan_id from catalog.price_plan_role where role = $1')
const setCustomer = statement(`
  insert into catalog.price_plan_customer (customer_id, plan_id) values ($1, $2) on conflict (customer_id) do update set plan_id = excluded.plan_id`)
const setRole = statement(`
  insert into catalog.price_plan_role (role, plan_id) values ($1, $2) on conflict (role) do update set plan_id = excluded.plan_id`)
const clearCustomer = statement('delete from catalog.price_plan_customer where customer_id = $1')
const clearRole = statement('delete from catalog.price_plan_role where role = $1')

/**
 * Gives a customer or a role a price plan in place of the one they had, or takes it away; repeated, it changes nothing. From the next order on it is what they pay. Throws UserNotFoundError,
 * RoleNotFoundError, PlanNotFoundError.
 */
export async function assignPlan(app: CatalogApp, { to, plan_id, by, reason }: AssignPlan): Promise<void> {
  const of_customer = 'customer_id' in to
  const who = of_customer ? to.customer_id : to.role
  const changed = await app.db.transaction(async (tx) => {
    const [there] = await tx.query(of_customer ? lockCustomer : lockRole, [who])
    if (!there) throw of_customer ? new UserNotFoundError() : new RoleNotFoundError()
    if (plan_id !== null && (await tx.query(lockPlan, [plan_id])).length === 0) throw new PlanNotFoundError()
    const [had] = await tx.query<{ plan_id: bigint }>(of_customer ? readCustomer : readRole, [who])
    if ((had?.plan_id ?? null) === plan_id) return false
    if (plan_id === null) tx.send(of_customer ? clearCustomer : clearRole, [who])
    else tx.send(of_customer ? setCustomer : setRole, [who, plan_id])
    recordActs(tx, [
      {
        action: 'prices.plan_assigned',
        actor: by,
        subject: { kind: of_customer ? 'user' : 'role', id: who },
        before: { plan_id: had?.plan_id ?? null },
        after: { plan_id },
        reason,
      },
    ])
    return true
  })
  if (changed) await forgetServices(app)
}
