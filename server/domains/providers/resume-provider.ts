import { statement, type Tx } from '#server/platform/db/database.ts'
import { ProviderNotFoundError } from './errors.ts'

const RESUME = statement(`
  update providers.provider set paused_until = null, pause_reason = null where id = $1 returning id`)

/** Ends a provider's pause at once; without a pause nothing changes. Throws ProviderNotFoundError. */
export async function resumeProvider(tx: Tx, provider_id: bigint): Promise<void> {
  const [row] = await tx.query(RESUME, [provider_id])
  if (!row) throw new ProviderNotFoundError(provider_id)
}
