import { z } from 'zod'
import { defineSetting } from '#server/platform/settings/setting.ts'

const HOUR_MS = 3_600_000

/** Less would press a server that has just said no. */
const WAIT_MIN_MS = 1_000

export const messageRetryBase = defineSetting({
  name: 'messages.retry_base_ms',
  schema: z.int().min(WAIT_MIN_MS).max(HOUR_MS),
  default: 10_000,
  description:
    'How long a mail or Telegram message waits after its first failure. Each wait lies at random between half of this and all of it; a pause that the other side asks for goes before.',
  unit: 'ms',
})

export const messageRetryFactor = defineSetting({
  name: 'messages.retry_factor',
  schema: z.number().min(1).max(10),
  default: 2,
  description: 'How many times longer a message waits after each further failure. 1: always the same.',
  unit: 'times',
})

export const messageRetryMax = defineSetting({
  name: 'messages.retry_max_ms',
  schema: z
    .int()
    .min(WAIT_MIN_MS)
    .max(24 * HOUR_MS),
  default: 3 * HOUR_MS,
  description: 'The longest that a message waits between two tries.',
  unit: 'ms',
})

export const messageAttempts = defineSetting({
  name: 'messages.attempts_max',
  // With the waits as they are by default: tried for about a day.
  schema: z.int().min(1).max(100),
  default: 14,
  description:
    'How often a message is tried before it is given up and waits for a person. While mail or Telegram as a whole is out of reach no try is counted. After three days none is tried again.',
  unit: 'tries',
})

/** What operators may change of how messages are tried. */
export const MESSAGE_SETTINGS = [messageRetryBase, messageRetryFactor, messageRetryMax, messageAttempts] as const
