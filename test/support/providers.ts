import { randomBytes } from 'node:crypto'
import { Writable } from 'node:stream'
import { onTestFinished } from 'vitest'
import { addProvider } from '#server/domains/providers/add-provider.ts'
import type { NewProvider } from '#server/domains/providers/provider-settings.ts'
import { openProviders, type Providers } from '#server/domains/providers/registry.ts'
import { type Clock, systemClock } from '#server/kit/clock.ts'
import type { Db } from '#server/platform/db/database.ts'
import { type Outbound, openOutbound } from '#server/platform/outbound/outbound.ts'
import { openSecrets } from '#server/platform/secrets/secrets.ts'
import { openLog } from '#server/platform/telemetry/log.ts'
import { openMetrics } from '#server/platform/telemetry/metrics.ts'

export interface TestProviders {
  providers: Providers
  /** Every line logged so far. */
  lines: string[]
  /** Adds a provider; what is left out is quick enough for a test. Answers its id. */
  add(settings: Partial<NewProvider> & Pick<NewProvider, 'url' | 'key'>): Promise<bigint>
  /** Writes the call log to its end. */
  close(): Promise<void>
}

let names = 0

/** Providers over a real database and real outbound calls; closed when the calling test ends. */
export async function testProviders(
  db: Db,
  options: { clock?: Clock; wrapOutbound?: (outbound: Outbound) => Outbound } = {},
): Promise<TestProviders> {
  const secret_key = randomBytes(32).toString('base64')
  const secrets = await openSecrets({ mode: 'production', home: '', secret_key })
  const lines: string[] = []
  const destination = new Writable({
    write: (chunk, _encoding, done) => {
      lines.push(String(chunk))
      done()
    },
  })
  const outbound = openOutbound({ allow_private_addresses: true, user_agent: 'saldo test' })
  const providers = openProviders({
    db,
    secrets,
    outbound: options.wrapOutbound?.(outbound) ?? outbound,
    log: openLog({ level: 'debug', destination }),
    metrics: openMetrics(),
    clock: options.clock ?? systemClock,
  })
  const close = async () => {
    await providers.close()
    await outbound.close()
  }
  onTestFinished(close)
  return {
    providers,
    lines,
    close,
    add: async (settings) => {
      names += 1
      const fast = {
        name: `Panel ${names}`,
        currency: 'USD',
        timeout_ms: 3_000,
        concurrency: 50,
        rate_per_second: 10_000,
      }
      return (await db.transaction((tx) => addProvider(tx, secrets, { ...fast, ...settings }))).id
    },
  }
}
