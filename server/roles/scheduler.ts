import { catalogChores } from '#server/domains/catalog/jobs.ts'
import { identityChores } from '#server/domains/identity/jobs.ts'
import { ledgerChores } from '#server/domains/ledger/jobs.ts'
import { alertChores } from '#server/domains/notifications/alerts/jobs.ts'
import { messageChores } from '#server/domains/notifications/messages/jobs.ts'
import { webhookChores } from '#server/domains/notifications/webhooks/jobs.ts'
import { orderChores } from '#server/domains/orders/jobs.ts'
import { paymentChores } from '#server/domains/payments/jobs.ts'
import { providerChores } from '#server/domains/providers/jobs.ts'
import { ensurePartitions, partitionChore } from '#server/platform/db/partitions.ts'
import { sweepFailuresChore } from '#server/platform/failures/sweep-failures.ts'
import { sweepAnswersChore } from '#server/platform/idempotency/sweep-answers.ts'
import { startScheduler as startTimetable } from '#server/platform/jobs/scheduler.ts'
import { sweepDeadLetters } from '#server/platform/jobs/sweep-dead-letters.ts'
import type { Saldo } from './open-saldo.ts'
import { QUEUE_REPORTERS } from './queue-reporters.ts'

const PARTITIONED = ['ledger.transfer', 'ledger.release', 'orders.order_event', 'providers.call_log', 'audit.act']

/** The scheduler: the whole timetable of the house. Several may run; each chore is done once a tick. */
export async function startScheduler({ app, providers }: Saldo): Promise<{ stop(): Promise<void> }> {
  await ensurePartitions(app.db, PARTITIONED)
  return startTimetable(app, [
    partitionChore(PARTITIONED),
    sweepDeadLetters,
    sweepAnswersChore,
    sweepFailuresChore,
    ...identityChores,
    ...ledgerChores,
    ...paymentChores,
    ...providerChores,
    ...catalogChores(providers),
    ...orderChores,
    ...messageChores,
    ...alertChores(QUEUE_REPORTERS),
    ...webhookChores,
  ])
}
