import type { Actor } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import { present } from '#server/kit/invariant.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { ProviderNotFoundError } from './errors.ts'
import { providerAct } from './provider-acts.ts'
import { findProvider, lockProvider } from './queries.ts'

const REASON_MAX = 200

const PAUSE = statement(`
  with paused as (
    update providers.provider set paused_until = $2, pause_reason = $3,
      paused_since = case when paused_until > now() - interval '1 minute' then coalesce(paused_since, now()) else now() end
    -- A longer pause that someone else has set stays.
    where id = $1 and (paused_until is null or paused_until < $2)
    returning id
  )
  select exists (select from paused) as paused from providers.provider where id = $1`)

/**
 * Sends no order to the provider before `until`; reads go on. A pause only ever grows: answers false when a longer one stands already. What `by` pauses is an act of theirs.
 * Throws ProviderNotFoundError.
 */
export async function pauseProvider(
  tx: Tx,
  pause: { provider_id: bigint; until: Date; reason: string; by?: Actor },
): Promise<boolean> {
  const { provider_id, by, reason } = pause
  const before = by && (await lockProvider(tx, provider_id))
  const [row] = await tx.query<{ paused: boolean }>(PAUSE, [provider_id, pause.until, reason.slice(0, REASON_MAX)])
  if (!row) throw new ProviderNotFoundError(provider_id)
  if (by && row.paused) {
    const after = present(await findProvider(tx, provider_id), 'a locked provider is there')
    recordActs(tx, [providerAct('paused', by, before, after, { reason })])
  }
  return row.paused
}
