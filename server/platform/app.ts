import type { Clock } from '#server/kit/clock.ts'
import type { Cache } from './cache/cache.ts'
import type { Config } from './config/config.ts'
import type { Db } from './db/database.ts'
import type { Jobs } from './jobs/jobs.ts'
import type { Outbound } from './outbound/outbound.ts'
import type { Settings } from './settings/settings.ts'
import type { Log } from './telemetry/log.ts'
import type { Metrics } from './telemetry/metrics.ts'

/** What the process has opened: mechanisms only. Domain code is imported, never carried in here. `server/app.ts` opens it. */
export interface App {
  readonly config: Config
  readonly db: Db
  readonly jobs: Jobs
  readonly cache: Cache
  readonly outbound: Outbound
  readonly settings: Settings
  readonly log: Log
  readonly metrics: Metrics
  readonly clock: Clock
}
