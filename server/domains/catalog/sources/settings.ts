import { z } from 'zod'
import { defineSetting } from '#server/platform/settings/setting.ts'
import { QUARANTINE_HOURS_MAX } from './source.ts'

export const quarantineRejections = defineSetting({
  name: 'sources.quarantine_rejections',
  schema: z.int().min(2).max(1_000),
  default: 5,
  description:
    'So many refusals by a source within an hour, with nothing accepted between, put it in quarantine. Refusals of the customer’s input and for want of our balance do not count, nor do those of one customer’s orders alone unless they name the service or our key.',
  unit: 'refusals',
})

export const quarantineHours = defineSetting({
  name: 'sources.quarantine_hours',
  schema: z.int().min(1).max(QUARANTINE_HOURS_MAX),
  default: 2,
  description: 'How long a source that was put in quarantine gets no orders. After that one order tries it.',
  unit: 'hours',
})

export const successPercentMin = defineSetting({
  name: 'sources.success_percent_min',
  schema: z.int().min(1).max(100),
  default: 80,
  description:
    'A source that placed less than this of what it was sent within the last hour does not do well: where the strategy is `cheapest`, others go before it.',
  unit: 'percent',
})

export const SOURCE_SETTINGS = [quarantineRejections, quarantineHours, successPercentMin] as const
