import { z } from 'zod'
import { defineSetting } from '#server/platform/settings/setting.ts'
import { walletAmount } from '../amount-setting.ts'

/** Micro-USD. */
export const secondPersonAbove = defineSetting({
  name: 'adjustments.second_person_above',
  schema: walletAmount,
  default: '100.00',
  description:
    'What one member of staff may put right on customers’ balances within 24 hours, given and taken counted together, without a second person. With 0 each adjustment needs one.',
  unit: 'usd',
})

export const decideWithinHours = defineSetting({
  name: 'adjustments.decide_within_hours',
  schema: z.number().int().min(1).max(720),
  default: 72,
  description: 'How long an adjustment waits for a second person before it expires.',
  unit: 'hours',
})
