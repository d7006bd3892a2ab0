import { statement, type Tx } from '#server/platform/db/database.ts'
import { ProviderNotFoundError } from './errors.ts'

const REASON_MAX = 200

const PAUSE = statement(`
  with paused as (
    update providers.provider set paused_until = $2, pause_reason = $3
    -- A longer pause that someone else has set stays.
    where id = $1 and (paused_until is null or paused_until < $2)
    returning id
  )
  select exists (select from paused) as paused from providers.provider where id = $1`)

/**
 * Sends no order to the provider before `until`; reads go on. A pause only ever grows: answers false when a longer one stands already.
 * Throws ProviderNotFoundError.
 */
export async function pauseProvider(
  tx: Tx,
  pause: { provider_id: bigint; until: Date; reason: string },
): Promise<boolean> {
  const [row] = await tx.query<{ paused: boolean }>(PAUSE, [
    pause.provider_id,
    pause.until,
    pause.reason.slice(0, REASON_MAX),
  ])
  if (!row) throw new ProviderNotFoundError(pause.provider_id)
  return row.paused
}
