import { z } from 'zod'
import { defineSetting } from '#server/platform/settings/setting.ts'
import { amountText } from '../limits/customer-limit.ts'

export const refundSecondPersonAbove = defineSetting({
  name: 'orders.refund_second_person_above',
  schema: amountText,
  default: '100.00',
  description:
    'What one member of staff may refund of customers’ orders within 24 hours without a second person. With 0 each refund needs one.',
  unit: 'usd',
})

export const refundDecideWithinHours = defineSetting({
  name: 'orders.refund_decide_within_hours',
  schema: z.number().int().min(1).max(720),
  default: 72,
  description: 'How long a refund waits for a second person before it expires.',
  unit: 'hours',
})

export const REFUND_SETTINGS = [refundSecondPersonAbove, refundDecideWithinHours] as const
