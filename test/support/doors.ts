import { onTestFinished } from 'vitest'
import { createApiKey } from '#server/domains/identity/keys/create-api-key.ts'
import type { Clock } from '#server/kit/clock.ts'
import type { Config } from '#server/platform/config/config.ts'
import { openSecrets } from '#server/platform/secrets/secrets.ts'
import type { Log } from '#server/platform/telemetry/log.ts'
import { startApi } from '#server/roles/api.ts'
import { liftRateLimits } from '#server/roles/lift-rate-limits.ts'
import { openShop, type Shop, type ShopOptions } from './shop.ts'

/** A shop whose doors are open on a real port, wired as the API role wires them. */
export interface Doors {
  shop: Shop
  url: string
  /** A customer with this much money, a decimal in USD, and a key. */
  customer(usd?: string, key?: Partial<Parameters<typeof createApiKey>[1]>): Promise<{ id: bigint; key: string }>
}

export interface DoorsOptions extends ShopOptions {
  /** Where what the doors log goes. */
  log?: Log
  /** What the doors read the time from; the shop has its own. */
  clock?: Clock
  /** Settings of the doors in place of a sandbox's. */
  config?: Partial<Config>
  /** Whether the rate limits stand as in production; otherwise a test may send as much as it likes. */
  rate_limits?: 'as in production'
}

/** Opens a shop and its doors; closed when the calling test ends. */
export async function openDoors(options: DoorsOptions = {}): Promise<Doors> {
  const shop = await openShop(options)
  const { config, log, clock } = shop.app
  const own = { log: options.log ?? log, clock: options.clock ?? clock }
  const app = { ...shop.app, ...own, config: { ...config, port: 0, ...options.config } }
  if (!options.rate_limits) await liftRateLimits(app, 'A test of something else.')
  const secrets = await openSecrets(app.config)
  const api = await startApi({ app, secrets, providers: shop.providers, close: async () => {} })
  onTestFinished(() => api.stop())
  return {
    shop,
    url: api.url,
    customer: async (usd, key = {}) => {
      const { id } = await shop.customer(usd)
      const made = await createApiKey(shop.app, { name: 'shop', ...key, user_id: id })
      return { id, key: made.key }
    },
  }
}
