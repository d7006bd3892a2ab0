import type { App } from '#server/platform/app.ts'
import { SENT_CHANNELS } from './message.ts'
import { backlogs } from './queries.ts'

/** Sets the gauges of what waits to be sent. */
export async function measureMessages(app: Pick<App, 'db' | 'clock' | 'metrics'>): Promise<void> {
  const waiting = app.metrics.gauge('saldo_messages_waiting', 'Messages that should have left', ['channel'])
  const oldest = app.metrics.gauge(
    'saldo_messages_oldest_unsent_seconds',
    'Age of the oldest message that should have left',
    ['channel'],
  )
  const found = new Map((await backlogs(app.db, app.clock.now())).map((each) => [each.channel, each]))
  for (const channel of SENT_CHANNELS) {
    waiting.set({ channel }, found.get(channel)?.waiting ?? 0)
    oldest.set({ channel }, found.get(channel)?.oldest_s ?? 0)
  }
}
