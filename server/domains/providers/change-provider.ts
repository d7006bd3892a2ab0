import type { Actor } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import { present } from '#server/kit/invariant.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import type { Secrets } from '#server/platform/secrets/secrets.ts'
import { ProviderChangedError, ProviderNameTakenError, ProviderNotFoundError } from './errors.ts'
import { providerAct } from './provider-acts.ts'
import type { ProviderRow } from './provider-row.ts'
import { type ProviderChange, readProviderChange } from './provider-settings.ts'
import { findProvider, lockProvider } from './queries.ts'
import { keyContext } from './registry.ts'

const NAMESAKE = statement('select 1 from providers.provider where name = $1 and id <> $2')

const UPDATE_PROVIDER = statement(`
  update providers.provider set name = coalesce($2, name), url = coalesce($3, url), enabled = coalesce($4, enabled),
    key_ciphertext = coalesce($5, key_ciphertext), key_id = coalesce($6, key_id), timeout_ms = coalesce($7, timeout_ms),
    concurrency = coalesce($8, concurrency), rate_per_second = coalesce($9, rate_per_second),
    statuses_max = coalesce($10, statuses_max), idempotency = coalesce($11, idempotency),
    idempotency_window_s = coalesce($12, idempotency_window_s), lists_orders = coalesce($13, lists_orders), version = version + 1
  where id = $1`)

/**
 * Changes settings of a provider; every process works by them from its next call on. With `version`, only if it is still that version. What `by` changes is an act of theirs.
 * Throws ProviderNotFoundError, ProviderSettingError, ProviderNameTakenError, ProviderChangedError.
 */
export async function changeProvider(
  tx: Tx,
  secrets: Secrets,
  change: { provider_id: bigint; settings: ProviderChange; version?: bigint | undefined; by?: Actor; reason?: string },
): Promise<ProviderRow> {
  const id = change.provider_id
  const { key, ...settings } = readProviderChange(change.settings)
  const before = await lockProvider(tx, id)
  if (!before) throw new ProviderNotFoundError(id)
  if (change.version !== undefined && change.version !== before.version) throw new ProviderChangedError()
  // A twin that takes the name just now meets the constraint, and the transaction runs again.
  if ((await tx.query(NAMESAKE, [settings.name, id])).length > 0) throw new ProviderNameTakenError()
  const sealed = key === undefined ? undefined : secrets.seal(key, keyContext(id))
  await tx.query(UPDATE_PROVIDER, [
    id,
    settings.name,
    settings.url,
    settings.enabled,
    sealed?.ciphertext,
    sealed?.key_id,
    settings.timeout_ms,
    settings.concurrency,
    settings.rate_per_second,
    settings.statuses_max,
    settings.idempotency,
    settings.idempotency_window_s,
    settings.lists_orders,
  ])
  const after = present(await findProvider(tx, id), 'changeProvider: the provider vanished')
  const { by, reason } = change
  if (by)
    recordActs(tx, [
      providerAct('changed', by, before, after, { ...(reason && { reason }), new_key: key !== undefined }),
    ])
  return after
}
