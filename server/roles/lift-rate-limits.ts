import { SUSPICION_SETTINGS } from '#server/domains/identity/keys/suspicion-settings.ts'
import type { App } from '#server/platform/app.ts'
import { RATE_LIMITS } from '#server/platform/limits/rate-class.ts'
import { changeSetting } from '#server/platform/settings/change-setting.ts'
import { standingSettings } from '#server/platform/settings/queries.ts'

/** More than this machine could answer, and still a number, so that callers are told what is left. */
const WINDOW = { window_seconds: 10, per_network: 1_000_000 }
const LIFTED = { ...WINDOW, per_key: 1_000_000, per_user: 1_000_000 }

/** Lifts the rate limits that nobody has set yet beyond what any load reaches, and lets no key be suspended for its load: for sandboxes, benches and tests. What was set stays. */
export async function liftRateLimits(app: Pick<App, 'db' | 'settings'>, reason: string): Promise<void> {
  const standing = await standingSettings(app.db)
  await app.db.transaction(async (tx) => {
    for (const setting of Object.values(RATE_LIMITS)) {
      if (standing.has(setting.name)) continue
      const value = 'per_key' in (setting.default_value as object) ? LIFTED : WINDOW
      await changeSetting(tx, { setting, value, version: 0n, actor: 'command', reason })
    }
    for (const setting of SUSPICION_SETTINGS) {
      if (standing.has(setting.name)) continue
      const value = { ...(setting.default_value as object), on: false }
      await changeSetting(tx, { setting, value, version: 0n, actor: 'command', reason })
    }
  })
  await app.settings.refresh()
}
