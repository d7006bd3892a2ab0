import { onTestFinished } from 'vitest'
import { systemClock } from '#server/kit/clock.ts'
import type { Db } from '#server/platform/db/database.ts'
import { openSettings } from '#server/platform/settings/open-settings.ts'
import type { Setting } from '#server/platform/settings/setting.ts'
import type { Settings } from '#server/platform/settings/settings.ts'
import { type Log, openLog } from '#server/platform/telemetry/log.ts'
import { openMetrics } from '#server/platform/telemetry/metrics.ts'

/** The settings as one process sees them; closed when the test ends. Two of them on one database are two processes to each other. */
export async function someSettings(app: { db: Db; log?: Log }): Promise<Settings> {
  const log = app.log ?? openLog({ level: 'silent' })
  const settings = await openSettings({ db: app.db, clock: systemClock, log, metrics: openMetrics() })
  onTestFinished(() => settings.close())
  return settings
}

/** Sets a setting by hand, whatever its schema says; undefined is the default. Every process knows it within a second. */
export async function putSetting(db: Db, setting: Pick<Setting<unknown>, 'name'>, value: unknown): Promise<void> {
  await db.query(
    `insert into platform.setting_change (name, version, value, actor, reason)
    select $1, coalesce(max(version), 0) + 1, $2::jsonb, 'test', 'test' from platform.setting_change where name = $1`,
    [setting.name, value === undefined ? null : JSON.stringify(value)],
  )
}
