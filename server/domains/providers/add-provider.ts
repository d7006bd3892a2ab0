import type { Actor } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import { present } from '#server/kit/invariant.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import type { Secrets } from '#server/platform/secrets/secrets.ts'
import { ProviderNameTakenError, ProviderSettingError } from './errors.ts'
import { providerAct } from './provider-acts.ts'
import type { ProviderRow } from './provider-row.ts'
import { type NewProvider, readNewProvider } from './provider-settings.ts'
import { findProvider } from './queries.ts'
import { keyContext } from './registry.ts'

// The id is drawn first, because the key is sealed for it.
const DRAW_ID = statement(`
  select nextval(pg_get_serial_sequence('providers.provider', 'id')) as id,
    exists (select from ledger.asset where code = $1) as has_asset`)

const INSERT_PROVIDER = statement(`
  insert into providers.provider (id, name, adapter, url, currency, enabled, key_ciphertext, key_id, timeout_ms, concurrency,
    rate_per_second, statuses_max, idempotency, idempotency_window_s, lists_orders)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
  on conflict on constraint provider_name_once do nothing
  returning id`)

/**
 * Adds a provider; its key is stored sealed and never shown again. What `by` adds is an act of theirs.
 * Throws ProviderSettingError, ProviderNameTakenError.
 */
export async function addProvider(tx: Tx, secrets: Secrets, input: NewProvider, by?: Actor): Promise<ProviderRow> {
  const { key, ...settings } = readNewProvider(input)
  const [drawn] = await tx.query<{ id: bigint; has_asset: boolean }>(DRAW_ID, [settings.currency])
  const { id, has_asset } = present(drawn, 'addProvider: no id drawn')
  if (!has_asset) throw new ProviderSettingError('currency', `currency: ${settings.currency} is no asset of the ledger`)
  const sealed = secrets.seal(key, keyContext(id))
  const inserted = await tx.query(INSERT_PROVIDER, [
    id,
    settings.name,
    settings.adapter,
    settings.url,
    settings.currency,
    settings.enabled,
    sealed.ciphertext,
    sealed.key_id,
    settings.timeout_ms,
    settings.concurrency,
    settings.rate_per_second,
    settings.statuses_max,
    settings.idempotency,
    settings.idempotency_window_s,
    settings.lists_orders,
  ])
  if (inserted.length === 0) throw new ProviderNameTakenError()
  const row = present(await findProvider(tx, id), 'addProvider: the provider vanished')
  if (by) recordActs(tx, [providerAct('added', by, undefined, row)])
  return row
}
