import { statfs } from 'node:fs/promises'
import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'
import { type QueueFigure, type QueueReporter, reportQueues } from '#server/platform/queues/queue.ts'
import { SENT_CHANNELS, type SentChannel } from '../messages/message.ts'
import type { Data } from '../texts/kinds.ts'
import { type Observation, observe } from './observe.ts'
import { alertDepositHours, alertQueueMinutes, alertRefillHours } from './settings.ts'
import { connectionsObservation } from './watch-database.ts'
import { errorRateObservation, failureObservations } from './watch-errors.ts'

/** A message that was tried in vain for so long, while nothing left by its channel, is stuck. */
const STUCK_MINUTES = 10

/** Below both of these PostgreSQL may soon stop. */
const DISK_FREE_PERCENT = 5
const DISK_FREE_MB = 2_000

const STUCK = statement(`
  select channel, count(*)::int as count, (extract(epoch from $1::timestamptz - min(created_at)) / 60)::float8 as minutes
  from (select channel, created_at from notifications.message where state = 'waiting' and reason is not null limit 10000) as tried
  where created_at < $1::timestamptz - make_interval(mins => ${STUCK_MINUTES})
    and not exists (select from notifications.message sent where sent.state = 'sent' and sent.channel = tried.channel
      and sent.ended_at > $1::timestamptz - make_interval(mins => ${STUCK_MINUTES}))
  group by channel`)

/** Looks at what piles up, at what waits for a person, at messages that do not leave, at the disk and the connections, and at what fails; a few cheap statements, once a minute. */
export async function watchHouse(
  app: Pick<App, 'db' | 'clock' | 'settings' | 'config'>,
  reporters: readonly QueueReporter[],
): Promise<void> {
  const now = app.clock.now()
  const figures = await reportQueues(app.db, reporters)
  const observations = [
    ...queueObservations(figures, now, app.settings.read(alertQueueMinutes)),
    waitingOrders(figures),
    waitingFor('deposits', 'alert_deposits_waiting', figures, now, app.settings.read(alertDepositHours)),
    waitingFor('refills', 'alert_refills_waiting', figures, now, app.settings.read(alertRefillHours)),
    unbilledPosts(figures),
    deadLetters(figures),
    ...(await stuckMessages(app, now)),
    ...(await diskObservation(app.config)),
    await connectionsObservation(app),
    ...(await failureObservations(app, now)),
    ...(await errorRateObservation(app)),
  ]
  await app.db.transaction(async (tx) => observe(tx, now, observations))
}

/** Each queue by itself: the longest wait of what a worker could take. */
function queueObservations(figures: readonly QueueFigure[], now: Date, minutes_max: number): Observation[] {
  const ready = figures.filter((figure) => figure.stage === 'ready')
  return [...Map.groupBy(ready, (figure) => figure.queue)].map(([queue, of]) => {
    const oldest = of.flatMap((figure) => (figure.depth > 0 && figure.oldest_at ? [figure.oldest_at.getTime()] : []))
    const minutes = oldest.length === 0 ? 0 : Math.floor((now.getTime() - Math.min(...oldest)) / 60_000)
    const count = of.reduce((sum, figure) => sum + figure.depth, 0)
    const wrong = minutes >= minutes_max ? { queue, count, minutes } : undefined
    return { kind: 'alert_queue_long', subject: queue, wrong }
  })
}

function waitingOrders(figures: readonly QueueFigure[]): Observation {
  return { kind: 'alert_orders_waiting', wrong: counted(figures, (figure) => figure.queue === 'orders') }
}

/** What waits for staff in this queue, once one has waited for longer than it may. */
function waitingFor(
  queue: string,
  kind: 'alert_deposits_waiting' | 'alert_refills_waiting',
  figures: readonly QueueFigure[],
  now: Date,
  hours_max: number,
): Observation {
  const waiting = figures.filter((figure) => figure.queue === queue && figure.stage === 'stuck' && figure.depth > 0)
  const oldest = Math.min(...waiting.map(({ oldest_at }) => (oldest_at ?? now).getTime()))
  const minutes = Math.floor((now.getTime() - oldest) / 60_000)
  const count = waiting.reduce((sum, { depth }) => sum + depth, 0)
  return { kind, wrong: count > 0 && minutes >= hours_max * 60 ? { count, minutes } : undefined }
}

function unbilledPosts(figures: readonly QueueFigure[]): Observation {
  return { kind: 'alert_posts_unbilled', wrong: counted(figures, (figure) => figure.queue === 'posts') }
}

function deadLetters(figures: readonly QueueFigure[]): Observation {
  return { kind: 'alert_dead_letters', wrong: counted(figures, (figure) => figure.state === 'dead') }
}

function counted(figures: readonly QueueFigure[], which: (figure: QueueFigure) => boolean): Data | undefined {
  const stuck = figures.filter((each) => each.stage === 'stuck' && which(each))
  const count = stuck.reduce((sum, each) => sum + each.depth, 0)
  return count > 0 ? { count } : undefined
}

async function stuckMessages(app: Pick<App, 'db'>, now: Date): Promise<Observation[]> {
  const rows = await app.db.query<{ channel: SentChannel; count: number; minutes: number }>(STUCK, [now])
  return SENT_CHANNELS.map((channel) => {
    const stuck = rows.find((row) => row.channel === channel)
    const wrong = stuck && { channel, count: stuck.count, minutes: Math.floor(stuck.minutes) }
    return { kind: 'alert_messages_stuck', subject: channel, wrong }
  })
}

/** Only where PostgreSQL is our own is its disk ours to see. */
async function diskObservation(config: Pick<App['config'], 'database_url' | 'home'>): Promise<Observation[]> {
  if (config.database_url !== undefined) return []
  const { bavail, blocks, bsize } = await statfs(config.home)
  const percent = Math.floor((bavail / blocks) * 100)
  const megabytes = Math.floor((bavail * bsize) / 1_000_000)
  const low = percent < DISK_FREE_PERCENT && megabytes < DISK_FREE_MB
  return [{ kind: 'alert_disk_low', wrong: low ? { percent, megabytes } : undefined }]
}
