import type { Actor } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import { ServiceNotFoundError } from '#server/domains/catalog/errors.ts'
import { selectService } from '#server/domains/catalog/queries.ts'
import { invariant } from '#server/kit/invariant.ts'
import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'
import { WAIT_HOURS_MAX, waitLimitOf } from './wait-limit.ts'

// Of two who set it at once the second tells what the first has set.
const lock = statement(`select pg_advisory_xact_lock(7252062, hashint8($1))`)
const upsert = statement(`
  insert into orders.wait_limit (service_id, hours) values ($1, $2) on conflict (service_id) do update set hours = excluded.hours`)
const remove = statement('delete from orders.wait_limit where service_id = $1')

/**
 * Sets for how many hours orders of a service may wait for a provider or for staff, those that wait already among them; null goes back to what the house says. Setting the same again does
 * nothing. Throws ServiceNotFoundError.
 */
export async function setWaitLimit(
  { db }: Pick<App, 'db'>,
  service_id: bigint,
  hours: number | null,
  { actor, reason }: { actor: Actor; reason: string },
): Promise<void> {
  invariant(hours === null || (hours >= 1 && hours <= WAIT_HOURS_MAX), 'setWaitLimit: hours out of range')
  await db.transaction(async (tx) => {
    if (!(await selectService(tx, service_id))) throw new ServiceNotFoundError(service_id)
    await tx.query(lock, [service_id])
    const before = await waitLimitOf(tx, service_id)
    if (before === hours) return
    if (hours === null) tx.send(remove, [service_id])
    else tx.send(upsert, [service_id, hours])
    const subject = { kind: 'service', id: service_id }
    const [was, is] = [{ hours: before }, { hours }]
    recordActs(tx, [{ action: 'orders.wait_limit_set', actor, subject, before: was, after: is, reason }])
  })
}
