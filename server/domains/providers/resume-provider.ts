import type { Actor } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import { present } from '#server/kit/invariant.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { ProviderNotFoundError } from './errors.ts'
import { providerAct } from './provider-acts.ts'
import { findProvider, lockProvider } from './queries.ts'

const RESUME = statement(`
  update providers.provider set paused_until = null, paused_since = null, pause_reason = null where id = $1`)

/** Ends a provider's pause at once; answers whether there was one. What `by` ends is an act of theirs. Throws ProviderNotFoundError. */
export async function resumeProvider(
  tx: Tx,
  provider_id: bigint,
  { by, reason }: { by?: Actor; reason?: string | undefined } = {},
): Promise<boolean> {
  const before = await lockProvider(tx, provider_id)
  if (!before) throw new ProviderNotFoundError(provider_id)
  if (before.paused_until === null) return false
  await tx.query(RESUME, [provider_id])
  if (by) {
    const after = present(await findProvider(tx, provider_id), 'a locked provider is there')
    recordActs(tx, [providerAct('resumed', by, before, after, reason ? { reason } : {})])
  }
  return true
}
