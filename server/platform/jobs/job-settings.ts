import { z } from 'zod'
import { defineSetting } from '../settings/setting.ts'

const DAY_MS = 86_400_000

/** Shorter, and a job that failed could be taken again before its failure is written. */
const BASE_MIN_MS = 500

export const jobRetryBase = defineSetting({
  name: 'jobs.retry_base_ms',
  schema: z.number().int().min(BASE_MIN_MS).max(DAY_MS),
  default: 3_000,
  description:
    'How long a background job waits after its first failure. Each wait lies at random between half of this and all of it.',
  unit: 'ms',
})

export const jobRetryFactor = defineSetting({
  name: 'jobs.retry_factor',
  schema: z.number().min(1).max(10),
  default: 3,
  description: 'How many times longer a background job waits after each further failure. 1: always the same.',
  unit: 'times',
})

export const jobRetryMax = defineSetting({
  name: 'jobs.retry_max_ms',
  schema: z
    .number()
    .int()
    .min(BASE_MIN_MS)
    .max(7 * DAY_MS),
  default: DAY_MS / 4,
  description: 'The longest that a background job waits between two tries.',
  unit: 'ms',
})

export const jobAttempts = defineSetting({
  name: 'jobs.attempts_max',
  schema: z.number().int().min(1).max(100),
  default: 10,
  description:
    'How often a background job is tried before it becomes a dead letter, where its kind does not say otherwise. Holds for jobs that come into the queue from now on.',
  unit: 'tries',
})

export const deadLettersKept = defineSetting({
  name: 'dead_letters.kept_days',
  schema: z.number().int().min(1).max(3_650),
  // A quarter: whoever wonders about a letter has asked by then.
  default: 90,
  description:
    'How long a dead letter stays after it was replayed or dropped. One that waits for a person stays for ever.',
  unit: 'days',
})

/** What of the queue operators may change. */
export const JOB_SETTINGS = [jobRetryBase, jobRetryFactor, jobRetryMax, jobAttempts, deadLettersKept]
