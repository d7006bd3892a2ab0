import { z } from 'zod'
import { defineSetting } from '#server/platform/settings/setting.ts'

export const exchangeRateHoursMax = defineSetting({
  name: 'catalog.exchange_rate_hours_max',
  schema: z.int().min(1).max(8_760),
  default: 48,
  description:
    'How old an exchange rate may be. Services whose cost is in a currency without a fresher one are not sold until a rate is set, since nobody knows whether they would be sold at a loss.',
  unit: 'hours',
})
