import { reportMessages } from '#server/domains/notifications/messages/report-messages.ts'
import { reportDeliveries } from '#server/domains/notifications/webhooks/deliveries/report-deliveries.ts'
import { reportRefills } from '#server/domains/orders/refilling/report-refills.ts'
import { reportOrders } from '#server/domains/orders/report-orders.ts'
import { reportPosts } from '#server/domains/orders/subscriptions/report-posts.ts'
import { reportDeposits } from '#server/domains/payments/deposits/report-deposits.ts'
import { reportJobs } from '#server/platform/jobs/report-jobs.ts'
import { reportEvents } from '#server/platform/outbox/report-events.ts'
import type { QueueReporter } from '#server/platform/queues/queue.ts'

/** Every queue of the house. */
export const QUEUE_REPORTERS: readonly QueueReporter[] = [
  reportOrders,
  reportRefills,
  reportPosts,
  reportDeposits,
  reportDeliveries,
  reportMessages,
  reportJobs,
  reportEvents,
]
