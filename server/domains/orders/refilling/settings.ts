import { z } from 'zod'
import { defineSetting } from '#server/platform/settings/setting.ts'

export const refillDays = defineSetting({
  name: 'orders.refill_days',
  schema: z.number().int().min(-1).max(3_650),
  default: 30,
  description:
    'For how many days after its end an order may be refilled, where its service has no rule of its own. With 0 or below: for ever.',
  unit: 'days',
})

export const refillWaitHours = defineSetting({
  name: 'orders.refill_wait_hours',
  schema: z.number().int().min(0).max(720),
  default: 24,
  description:
    'How long after its end an order can be refilled at the earliest, where its service has no rule of its own.',
  unit: 'hours',
})

export const REFILL_SETTINGS = [refillDays, refillWaitHours] as const
