import { z } from 'zod'
import { defineSetting } from '#server/platform/settings/setting.ts'

export const refreshHours = defineSetting({
  name: 'catalog.refresh_hours',
  schema: z.int().min(1).max(168),
  default: 24,
  description:
    'How often prices, limits and availability are read from each provider. More often: fewer orders at a price that has changed; each time is one long answer of the provider.',
  unit: 'hours',
})
