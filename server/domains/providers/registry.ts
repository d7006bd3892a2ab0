import type { Clock } from '#server/kit/clock.ts'
import { present } from '#server/kit/invariant.ts'
import type { Db } from '#server/platform/db/database.ts'
import type { Outbound } from '#server/platform/outbound/outbound.ts'
import type { Secrets } from '#server/platform/secrets/secrets.ts'
import type { Log } from '#server/platform/telemetry/log.ts'
import type { Metrics } from '#server/platform/telemetry/metrics.ts'
import { ADAPTERS } from './adapters.ts'
import { openCallLog } from './call-log.ts'
import { ProviderNotFoundError } from './errors.ts'
import { openLimits } from './limits.ts'
import { openLine } from './line.ts'
import type { PlaceOutcome, Provider } from './provider.ts'
import { type ProviderRow, providerCan } from './provider-row.ts'
import { findSealedProvider, type SealedProviderRow } from './queries.ts'

/** What the registry works with; an App and its secrets. */
export interface ProvidersDeps {
  db: Db
  outbound: Outbound
  secrets: Secrets
  log: Log
  metrics: Metrics
  clock: Clock
}

/** A provider ready to be called, with its row as it stood when it was asked for. */
export type OpenProvider = Provider & { readonly row: ProviderRow }

/** The providers of this process. Limits and breakers live as long as a provider's settings stay the same. */
export interface Providers extends ProvidersDeps {
  /** Reads the row anew, so changed settings take effect at once. Throws ProviderNotFoundError; SecretError when its key cannot be opened. */
  providerById(id: bigint): Promise<OpenProvider>
  /** Writes what the call log still holds. Close before the database. */
  close(): Promise<void>
}

/** Opens the providers. Nothing is called before someone asks. */
export function openProviders(deps: ProvidersDeps): Providers {
  const calls = openCallLog(deps)
  const opened = new Map<bigint, { version: bigint; provider: Provider }>()

  function open(row: SealedProviderRow): Provider {
    const known = opened.get(row.id)
    if (known?.version === row.version) return known.provider
    const key = deps.secrets.open({ ciphertext: row.key_ciphertext, key_id: row.key_id }, keyContext(row.id))
    const limits = openLimits({ ...row, wait_ms_max: row.timeout_ms }, deps.clock)
    const { id: provider_id, name: provider_name, timeout_ms } = row
    const line = openLine({ ...deps, calls }, { provider_id, provider_name, key, timeout_ms, limits })
    const adapter = present(
      ADAPTERS[row.adapter],
      `provider ${row.id} needs the adapter ${row.adapter}, which is not there`,
    )
    const provider = adapter(row, key, line)
    opened.set(row.id, { version: row.version, provider })
    return provider
  }

  return {
    ...deps,
    providerById: async (id) => {
      const sealed = await findSealedProvider(deps.db, id)
      if (!sealed) throw new ProviderNotFoundError(id)
      const provider = open(sealed)
      const { key_ciphertext: _, key_id: __, ...row } = sealed
      return { ...provider, row, place: providerCan.place(row, deps.clock.now()) ? provider.place : heldBack(row) }
    },
    close: () => calls.close(),
  }
}

/** What a provider's key is sealed for: a ciphertext moved to another row does not open. */
export function keyContext(provider_id: bigint): string {
  return `providers.provider:${provider_id}:key`
}

function heldBack(row: ProviderRow): Provider['place'] {
  const message = row.enabled ? `the provider is paused: ${row.pause_reason}` : 'the provider is switched off'
  const outcome: PlaceOutcome = { outcome: 'rejected', code: 'not_sent', message }
  return async () => outcome
}
