import { z } from 'zod'
import { defineSetting } from '#server/platform/settings/setting.ts'

const MINUTE_S = 60
const HOUR_S = 60 * MINUTE_S

/** A week: a receiver that needs longer has other worries, and events of that age are told by the lists. */
const WAIT_MAX_S = 7 * 24 * HOUR_S

export const retryWaits = defineSetting({
  name: 'webhooks.retry_waits',
  schema: z.array(z.int().min(1).max(WAIT_MAX_S)).max(20),
  // Those that Standard Webhooks names: three days and three hours in all.
  default: [5, 5 * MINUTE_S, 30 * MINUTE_S, ...[2, 5, 10, 14, 20, 24].map((hours) => hours * HOUR_S)],
  description:
    'How long to wait after each failed attempt of a delivery before the next; the first attempt is made at once. Up to a tenth is added or taken at random. After the last wait a delivery has failed. An empty list means one attempt.',
  unit: 'seconds',
})

export const timeoutMs = defineSetting({
  name: 'webhooks.timeout_ms',
  schema: z.int().min(200).max(30_000),
  default: 15_000,
  description:
    'How long a receiver may take to answer, from the connection to the last byte. Longer, and slow receivers hold more connections of ours; shorter, and they get events twice.',
  unit: 'ms',
})

export const concurrencyMax = defineSetting({
  name: 'webhooks.concurrency_max',
  schema: z.int().min(1).max(100),
  default: 10,
  description:
    'Requests to one webhook at a time, all workers together. One that fails gets a single one until it answers well again.',
  unit: 'requests',
})

export const disableAfterHours = defineSetting({
  name: 'webhooks.disable_after_hours',
  schema: z.int().min(1).max(1_000),
  default: 120,
  description:
    'A webhook that answered nothing but failures for so long is disabled and its owner told. One success, and the time starts anew.',
  unit: 'hours',
})

export const secretOverlapHours = defineSetting({
  name: 'webhooks.overlap_hours',
  schema: z
    .int()
    .min(0)
    .max(24 * 7),
  default: 24,
  description:
    'When an owner changes the signing key of a webhook and says nothing else, the one before signs too for so long.',
  unit: 'hours',
})

export const keepDays = defineSetting({
  name: 'webhooks.keep_days',
  // Below the schedule's length, retries would outlive their log.
  schema: z.int().min(4).max(400),
  default: 30,
  description: 'How long events, deliveries and attempts are kept, to be looked at and replayed.',
  unit: 'days',
})

export const perUserMax = defineSetting({
  name: 'webhooks.per_user_max',
  schema: z.int().min(1).max(100),
  default: 10,
  description: 'Webhooks that one user may have.',
  unit: 'webhooks',
})

export const portsAllowed = defineSetting({
  name: 'webhooks.ports_allowed',
  schema: z.array(z.int().min(1).max(65_535)).min(1).max(50),
  default: [443, 8443],
  description: 'Ports that the address of a webhook may have. In sandbox mode it may have any.',
})

/** What operators may change of webhooks. */
export const webhookSettings = [
  retryWaits,
  timeoutMs,
  concurrencyMax,
  disableAfterHours,
  secretOverlapHours,
  keepDays,
  perUserMax,
  portsAllowed,
] as const
