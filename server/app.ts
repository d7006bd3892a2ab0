import { systemClock } from './kit/clock.ts'
import type { App } from './platform/app.ts'
import { openCache } from './platform/cache/open-cache.ts'
import type { Config } from './platform/config/config.ts'
import { openDatabase } from './platform/db/database.ts'
import { openJobs } from './platform/jobs/open-jobs.ts'
import { openOutbound } from './platform/outbound/outbound.ts'
import { openSettings } from './platform/settings/open-settings.ts'
import { type Log, openLog } from './platform/telemetry/log.ts'
import { openMetrics } from './platform/telemetry/metrics.ts'

/** What a process opens, and how it closes it again. */
export interface OpenApp extends App {
  /** In reverse order of opening. */
  close(): Promise<void>
}

/** Opens config, log, database, settings, jobs, cache and outbound calls. `url` is the database's, which is migrated. */
export async function openApp(config: Config, url: string, name: string, log?: Log): Promise<OpenApp> {
  const appLog = log ?? openLog({ level: config.log_level, name })
  const metrics = openMetrics()
  const db = openDatabase({
    url,
    connections: config.db_connections,
    application_name: name,
    onError: (err) => appLog.warn({ err }, 'a database connection broke'),
  })
  const settings = await openSettings({ db, clock: systemClock, log: appLog, metrics }).catch(
    async (error: unknown) => {
      await db.close()
      throw error
    },
  )
  const jobs = openJobs(settings)
  const cache = await openCache({ redis_url: config.redis_url, log: appLog })
  const outbound = openOutbound({
    allow_private_addresses: config.allow_private_addresses,
    user_agent: 'Saldo',
  })
  return {
    config,
    db,
    jobs,
    cache,
    outbound,
    settings,
    log: appLog,
    metrics,
    clock: systemClock,
    close: async () => {
      await outbound.close()
      await cache.close()
      await jobs.close()
      await settings.close()
      await db.close()
    },
  }
}
