import { z } from 'zod'
import { defineSetting } from '#server/platform/settings/setting.ts'
import { WAIT_HOURS_MAX } from '../waiting/wait-limit.ts'

export const waitHoursMax = defineSetting({
  name: 'orders.wait_hours_max',
  schema: z.number().int().min(1).max(WAIT_HOURS_MAX),
  default: 72,
  description:
    'How long an order may wait for a provider, or for staff to save it, while its customer sees `Pending`. After that it is cancelled and all its money goes back. A service may have a limit of its own.',
  unit: 'hours',
})
