import type { App } from '../app.ts'
import { startLoop } from '../db/loop.ts'
import { type QueueReporter, reportQueues } from './queue.ts'

/** As often as a scraper comes by. */
const MEASURE_MS = 15_000

/**
 * Measures all queues until stopped, for dashboards, alarms and whoever decides how many workers are to run: `saldo_queue_depth` and
 * `saldo_queue_oldest_seconds`. The figures are the house's and not this process's: of several that measure, take one or the highest.
 */
export function startQueueMeter(
  app: Pick<App, 'db' | 'log' | 'metrics' | 'clock'>,
  reporters: readonly QueueReporter[],
): { stop(): Promise<void> } {
  const { db, log, metrics, clock } = app
  const labels = ['queue', 'kind', 'state', 'stage'] as const
  const depth = metrics.gauge('saldo_queue_depth', 'How many are in a queue, by state', labels)
  const oldest = metrics.gauge('saldo_queue_oldest_seconds', 'How long the oldest of them has waited', labels)
  return startLoop({
    name: 'queues.measure',
    idle_ms: MEASURE_MS,
    log,
    metrics,
    run: async () => {
      const figures = await reportQueues(db, reporters)
      const now = clock.now().getTime()
      // A kind that has none left is told as 0: without a figure, whoever scales by it would keep the last.
      for (const { labels: seen } of (await depth.get()).values) {
        depth.set(seen, 0)
        oldest.set(seen, 0)
      }
      for (const { queue, kind, state, stage, depth: count, oldest_at } of figures) {
        depth.set({ queue, kind, state, stage }, count)
        const waited_ms = oldest_at === null ? 0 : Math.max(0, now - oldest_at.getTime())
        oldest.set({ queue, kind, state, stage }, waited_ms / 1000)
      }
      return false
    },
  })
}
