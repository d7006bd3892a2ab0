import type { Actor } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import { ServiceNotFoundError } from '#server/domains/catalog/errors.ts'
import { selectService } from '#server/domains/catalog/queries.ts'
import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'
import { type RefillRule, refillRuleOf } from './queries.ts'

const upsert = statement(`
  insert into orders.refill_rule (service_id, days, wait_hours, manual) values ($1, $2, $3, $4)
  on conflict (service_id) do update set days = excluded.days, wait_hours = excluded.wait_hours, manual = excluded.manual`)

/** Sets how refills of a service go, from now on; those under way go on as they began. Throws ServiceNotFoundError. */
export async function setRefillRule(
  { db }: Pick<App, 'db'>,
  service_id: bigint,
  rule: RefillRule,
  { actor, reason }: { actor: Actor; reason: string },
): Promise<void> {
  await db.transaction(async (tx) => {
    if (!(await selectService(tx, service_id))) throw new ServiceNotFoundError(service_id)
    const before = await refillRuleOf(tx, service_id)
    tx.send(upsert, [service_id, rule.days, rule.wait_hours, rule.manual])
    const subject = { kind: 'service', id: service_id }
    recordActs(tx, [
      {
        action: 'orders.refill_rule_set',
        actor,
        subject,
        before: before ? { ...before } : null,
        after: { ...rule },
        reason,
      },
    ])
  })
}
