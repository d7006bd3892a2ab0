import { z } from 'zod'
import { saleAmount } from '#server/domains/catalog/sale-amount.ts'
import { SALE_ASSET } from '#server/domains/catalog/service.ts'
import type { DayRange } from '../finance/queries.ts'
import { USAGE_DAYS_MAX, type Usage } from './queries.ts'
import type { UsageRead } from './read-usage.ts'

const day = z.iso.date()
const count = (description: string, example: number) => z.int().meta({ description, example })
const amount = (description: string, example: string) => z.string().meta({ description, example })

const figures = {
  orders: count('Orders placed; each run of a drip-feed is one.', 120),
  ordered: amount('What was held for them.', '54.30'),
  captured: amount(
    'What was charged in the end for orders, less what was refunded later, on the day it moved.',
    '51.10',
  ),
  returned: amount('What was held and given back, on the day it moved.', '3.20'),
  orders_refused: count('Orders that were not taken.', 4),
  requests: count('Requests with the key, whatever came of them.', 1_930),
  rest_requests: count('Of these, the ones to the REST doors.', 30),
  panel_requests: count('Of these, the ones to `/api/v2`.', 1_900),
  rate_limited: count('Of these, the ones refused by a rate limit of the key or of all your keys together.', 0),
  foreign_requests: count(
    'Requests with the key that were refused since they came from an address that is not on its list.',
    0,
  ),
}

const keyId = z.string().nullable().meta({ description: 'Null: without a key, by a session.', example: '12' })
const name = z
  .string()
  .nullable()
  .meta({ description: 'Null to a key: keys do not see each other.', example: 'my shop' })

/** What a report of use answers. */
export const usageShape = z.object({
  from: day.meta({ example: '2026-11-01' }),
  to: day.meta({ example: '2026-11-30' }),
  time_zone: z.literal('UTC').meta({ description: 'Where days begin and end.' }),
  currency: z.string().meta({ example: SALE_ASSET }),
  as_of: z.iso
    .datetime()
    .nullable()
    .meta({ description: 'Up to when all orders are in, a minute or so ago; null before there is anything.' }),
  balance: z
    .object({ balance: amount('With what is held.', '100.84'), held: z.string(), available: z.string() })
    .nullable()
    .meta({ description: 'As it is now; null to who may not see it.' }),
  total: z.object(figures),
  keys: z.array(
    z.object({
      key_id: keyId,
      name,
      prefix: name.meta({ example: 'sk_AbCdEf' }),
      last_used_at: z.iso.datetime().nullable().meta({ description: 'To about a minute.' }),
      revoked: z.boolean(),
      ...figures,
    }),
  ),
  data: z.array(z.object({ day: day.meta({ example: '2026-11-24' }), key_id: keyId, ...figures })),
})

/** What is asked for. */
export const usageQuery = z.object({
  from: day.optional().meta({ description: 'The first day, in UTC; 29 days before `to` without it.' }),
  to: day
    .optional()
    .meta({ description: `The last day, in UTC; today without it. No more than ${USAGE_DAYS_MAX} days.` }),
  key_id: z
    .string()
    .regex(/^[1-9]\d{0,17}$/)
    .optional()
    .meta({ description: 'One key alone, revoked ones too.' }),
})

/** The figures as a report and its file have them, in their order. */
export function usageFigures(usage: Usage): { [name in keyof typeof figures]: z.output<(typeof figures)[name]> } {
  return {
    orders: Number(usage.placed),
    ordered: saleAmount(usage.charged),
    captured: saleAmount(usage.captured),
    returned: saleAmount(usage.returned),
    orders_refused: Number(usage.orders_refused),
    requests: Number(usage.rest_requests + usage.panel_requests),
    rest_requests: Number(usage.rest_requests),
    panel_requests: Number(usage.panel_requests),
    rate_limited: Number(usage.rate_limited),
    foreign_requests: Number(usage.foreign_requests),
  }
}

/** The report, for who may see the names of keys, and the balance, or not. */
export function usageView(
  range: DayRange,
  usage: UsageRead,
  { named, with_balance }: { named: boolean; with_balance: boolean },
): z.output<typeof usageShape> {
  const { posted, held, available } = usage.balance
  const shown = { balance: saleAmount(posted), held: saleAmount(held), available: saleAmount(available) }
  return {
    ...range,
    time_zone: 'UTC',
    currency: SALE_ASSET,
    as_of: usage.as_of?.toISOString() ?? null,
    balance: with_balance ? shown : null,
    total: usageFigures(usage.total),
    keys: usage.keys.map(({ key, total }) => ({
      key_id: key ? String(key.id) : null,
      name: (named && key?.name) || null,
      prefix: (named && key?.prefix) || null,
      last_used_at: key?.last_used_at?.toISOString() ?? null,
      revoked: (key?.revoked_at ?? null) !== null,
      ...usageFigures(total),
    })),
    data: usage.rows.map((row) => ({
      day: row.day,
      key_id: row.key_id === 0n ? null : String(row.key_id),
      ...usageFigures(row),
    })),
  }
}
