import type { App } from '../app.ts'
import { listen } from '../db/listen.ts'
import { startLoop } from '../db/loop.ts'
import { OUTBOX_CHANNEL } from './announce.ts'
import { publishDue, publishFresh } from './publish-events.ts'
import type { Subscription } from './subscription.ts'
import { onOutboxWritten } from './written.ts'

/** Safety for a wake that was lost, and the grain of retries. */
const POLL_MS = 1_000

/**
 * Between two passes over fresh events. A pass is two round trips and a commit whether it finds one event or a hundred, and under load every
 * batch of every verb would wake another; nobody who watches sees a fiftieth of a second.
 */
const REST_MS = 20

/**
 * Publishes events for as long as the process lives. Woken by commits of this process and by announcements of others. Several publishers
 * share the work; each must know all subscriptions. `stop` finishes the batch under way.
 */
export function startPublisher(app: App, subscriptions: readonly Subscription[]): { stop(): Promise<void> } {
  const common = { log: app.log, metrics: app.metrics }
  const publishing = startLoop({
    ...common,
    name: 'outbox.publish',
    idle_ms: POLL_MS,
    rest_ms: REST_MS,
    run: () => publishFresh(app, subscriptions),
  })
  const retrying = startLoop({
    ...common,
    name: 'outbox.retry',
    idle_ms: POLL_MS,
    run: () => publishDue(app, subscriptions),
  })
  const forget = onOutboxWritten(publishing.wake)
  // What was announced while the connection was down is found by the poll.
  const listening = listen(app, OUTBOX_CHANNEL, publishing.wake)
  return {
    stop: async () => {
      forget()
      await Promise.all([listening.then((each) => each.close()), retrying.stop(), publishing.stop()])
    },
  }
}
