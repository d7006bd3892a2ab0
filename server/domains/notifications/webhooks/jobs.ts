import type { App } from '#server/platform/app.ts'
import { type Loop, startLoop } from '#server/platform/db/loop.ts'
import type { Chore } from '#server/platform/jobs/jobs.ts'
import { openOutbound } from '#server/platform/outbound/outbound.ts'
import { resolveByDns } from '#server/platform/outbound/resolve-name.ts'
import type { Secrets } from '#server/platform/secrets/secrets.ts'
import { deleteOldEvents } from './deliveries/delete-old-events.ts'
import { measureDeliveries } from './deliveries/measure-deliveries.ts'
import { openSender } from './deliveries/open-sender.ts'
import { requeueLostDeliveries, requeueWaitingDeliveries } from './deliveries/requeue-deliveries.ts'
import { REQUESTS_MAX } from './deliveries/rooms.ts'

/** Deliveries that this process made due wake at once; the wait is for those of others, and for what a wake missed. */
const IDLE_MS = 500

/** Between two claims, so that what comes meanwhile is claimed together: under load every end of a request wakes, and half of the claims found nothing. */
const REST_MS = 20

/** Webhooks that failed last are looked at so often and not at each event: under load there is always one. */
const RETRY_IDLE_MS = 500

/** The grain of the retry schedule. */
const REQUEUE_IDLE_MS = 500
const SWEEP_IDLE_MS = 2_000
const MEASURE_IDLE_MS = 15_000
/** While a stop waits for requests under way: look this often. */
const DRAIN_STEP_MS = 20

/** What a worker does about webhooks, until stopped. */
export interface WebhookWork {
  /** Deliveries are due. */
  wake(): void
  /** Sends no more, waits for the answers to what was sent, and writes them down. */
  stop(): Promise<void>
}

/**
 * Starts delivering. Any number of workers may do so at once. `name_servers`: asked for the hosts of webhooks, in place of the system's.
 */
export function startWebhookWork(
  app: App,
  { secrets, name_servers }: { secrets: Secrets; name_servers?: readonly string[] },
): WebhookWork {
  const outbound = openOutbound({
    allow_private_addresses: app.config.allow_private_addresses,
    user_agent: 'Saldo-Webhooks',
    // Strangers choose the names, and may share a host: neither a silent name server nor a neighbour may hold up others.
    resolveName: resolveByDns(name_servers),
    connections_max: REQUESTS_MAX,
  })
  const common = { log: app.log, metrics: app.metrics }
  const sender = openSender({ app, secrets, outbound }, (failing) => (failing ? retrying : delivering).wake())
  const delivering: Loop = startLoop({
    ...common,
    name: 'webhooks.deliver',
    idle_ms: IDLE_MS,
    rest_ms: REST_MS,
    run: () => sender.pass(false),
  })
  const retrying: Loop = startLoop({
    ...common,
    name: 'webhooks.retry',
    idle_ms: RETRY_IDLE_MS,
    run: () => sender.pass(true),
  })
  const requeueing = (name: string, idle_ms: number, requeue: typeof requeueLostDeliveries) =>
    startLoop({
      ...common,
      name,
      idle_ms,
      run: async () => {
        const { requeued, more } = await requeue(app)
        if (requeued > 0) delivering.wake()
        return more
      },
    })
  const others = [
    requeueing('webhooks.requeue', REQUEUE_IDLE_MS, requeueWaitingDeliveries),
    requeueing('webhooks.sweep', SWEEP_IDLE_MS, requeueLostDeliveries),
    startLoop({ ...common, name: 'webhooks.measure', idle_ms: MEASURE_IDLE_MS, run: () => measureDeliveries(app) }),
  ]
  return {
    wake: delivering.wake,
    stop: async () => {
      await Promise.all([delivering, retrying, ...others].map((loop) => loop.stop()))
      while (sender.inFlight() > 0) await new Promise((resolve) => setTimeout(resolve, DRAIN_STEP_MS))
      await outbound.close()
    },
  }
}

/** What the scheduler does about webhooks. */
export const webhookChores: readonly Chore[] = [
  {
    name: 'webhooks.delete-old-events',
    // At an odd minute, apart from what others do on the hour.
    cron: '41 * * * *',
    run: async (app) => {
      const deleted = await deleteOldEvents(app)
      if (deleted > 0) app.log.info({ deleted }, 'deleted old events of webhooks')
    },
  },
]
