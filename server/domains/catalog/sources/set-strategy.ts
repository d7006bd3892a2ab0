import { type Actor, SYSTEM } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import { statement } from '#server/platform/db/database.ts'
import { ServiceNotFoundError } from '../errors.ts'
import { forgetServices } from '../sellable-services.ts'
import type { CatalogApp } from '../service.ts'
import { lockSource } from './lock-source.ts'
import type { Strategy } from './source.ts'

/** How one of a service's sources is to be chosen. */
export interface SetStrategy {
  service_id: bigint
  strategy: Strategy
  by?: Actor | undefined
  reason?: string | undefined
}

const update = statement('update catalog.service set strategy = $2 where id = $1')

/** Sets how one of a service's sources is chosen for orders from now on. Repeated, it changes nothing. Throws ServiceNotFoundError. */
export async function setStrategy(app: CatalogApp, input: SetStrategy): Promise<void> {
  const { service_id, strategy, by = SYSTEM, reason } = input
  await app.db.transaction(async (tx) => {
    const source = await lockSource(tx, service_id)
    if (!source) throw new ServiceNotFoundError(service_id)
    const before = { strategy: source.strategy }
    if (before.strategy === strategy) return
    await tx.query(update, [service_id, strategy])
    const subject = { kind: 'service', id: service_id }
    const act = { action: 'sources.strategy_set', actor: by, subject, before, after: { strategy } }
    recordActs(tx, [{ ...act, ...(reason && { reason }) }])
  })
  await forgetServices(app)
}
