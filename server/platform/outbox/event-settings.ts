import { z } from 'zod'
import { defineSetting } from '../settings/setting.ts'

const DAY_MS = 86_400_000

export const eventRetryBase = defineSetting({
  name: 'events.retry_base_ms',
  schema: z.number().int().min(100).max(DAY_MS),
  default: 1_000,
  description:
    'How long an event waits after a subscriber failed on it for the first time. Each wait lies at random between half of this and all of it.',
  unit: 'ms',
})

export const eventRetryFactor = defineSetting({
  name: 'events.retry_factor',
  schema: z.number().min(1).max(10),
  default: 2,
  description: 'How many times longer an event waits after each further failure. 1: always the same.',
  unit: 'times',
})

export const eventRetryMax = defineSetting({
  name: 'events.retry_max_ms',
  schema: z.number().int().min(100).max(DAY_MS),
  default: 600_000,
  description: 'The longest that an event waits between two tries.',
  unit: 'ms',
})

export const eventAttempts = defineSetting({
  name: 'events.attempts_max',
  schema: z.number().int().min(1).max(200),
  default: 20,
  description:
    'How often an event is tried before it becomes a dead letter. With the usual waits twenty tries take more than an hour.',
  unit: 'tries',
})

/** What of the outbox operators may change. */
export const EVENT_SETTINGS = [eventRetryBase, eventRetryFactor, eventRetryMax, eventAttempts]
