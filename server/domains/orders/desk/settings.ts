import { z } from 'zod'
import { defineSetting } from '#server/platform/settings/setting.ts'

/** At most a month: a customer's money is not held for longer over an order that nobody does. */
export const waitHoursMax = defineSetting({
  name: 'orders.wait_hours_max',
  schema: z.number().int().min(1).max(720),
  default: 72,
  description:
    'How long an order may wait for a provider, or for staff to save it, while its customer sees `Pending`. After that it is cancelled and all its money goes back.',
  unit: 'hours',
})
