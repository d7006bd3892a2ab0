import type { App } from '#server/platform/app.ts'
import { startLoop } from '#server/platform/db/loop.ts'
import type { Chore } from '#server/platform/jobs/jobs.ts'
import type { QueueReporter } from '#server/platform/queues/queue.ts'
import { settleAlerts } from './settle-alerts.ts'
import { watchHouse } from './watch-house.ts'

/** The grain of tellings and all-clears. */
const SETTLE_IDLE_MS = 10_000

/** Tells alerts and all-clears when their time has come, until stopped. */
export function startAlertWork(app: App): { stop(): Promise<void> } {
  const run = async () => {
    await settleAlerts(app)
    return false
  }
  return startLoop({ name: 'alerts.settle', run, idle_ms: SETTLE_IDLE_MS, log: app.log, metrics: app.metrics })
}

/** The timetable's part: `reporters` tell of every queue of the house. */
export function alertChores(reporters: readonly QueueReporter[]): readonly Chore[] {
  return [{ name: 'alerts.watch', cron: '* * * * *', run: (app) => watchHouse(app, reporters) }]
}
