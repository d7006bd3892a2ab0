import { reportOrders } from '#server/domains/orders/report-orders.ts'
import { reportJobs } from '#server/platform/jobs/report-jobs.ts'
import { reportEvents } from '#server/platform/outbox/report-events.ts'
import type { QueueReporter } from '#server/platform/queues/queue.ts'

/** Every queue of the house. */
export const QUEUE_REPORTERS: readonly QueueReporter[] = [reportOrders, reportJobs, reportEvents]
