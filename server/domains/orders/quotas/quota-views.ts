import { z } from 'zod'
import { saleAmount } from '#server/domains/catalog/sale-amount.ts'
import { SALE_ASSET } from '#server/domains/catalog/service.ts'
import { strictest } from './key-quota.ts'
import type { QuotaRead } from './read-quota.ts'

const amount = (description: string, example: string) => z.string().nullable().meta({ description, example })
const orders = (description: string, example: number) => z.int().nullable().meta({ description, example })

const HOLDS = 'What holds: the smaller of the two. Null: no quota.'
const OWN = 'What the owner of the key set.'
const STAFF = 'What the house set.'

/** A key's quota, as doors show it. */
export const quotaShape = z.object({
  orders_per_day: z.object({
    max: orders(HOLDS, 500),
    own: orders(OWN, 500),
    staff: orders(STAFF, 1_000),
    used: z.int().meta({ description: 'Orders placed today that were not cancelled.', example: 12 }),
    left: z.int().nullable().meta({ example: 488 }),
  }),
  spend_per_day: z.object({
    max: amount(HOLDS, '150.00'),
    own: amount(OWN, '150.00'),
    staff: amount(STAFF, '1000.00'),
    used: z.string().meta({ description: 'Of orders placed today, less what was given back.', example: '12.50' }),
    left: z.string().nullable().meta({ example: '137.50' }),
    currency: z.string().meta({ example: 'USD' }),
  }),
  resets_at: z.iso.datetime().meta({ description: 'When the day ends, in the house’s time zone.' }),
})

/** The quota as `quotaShape` has it. */
export function quotaView(quota: QuotaRead): z.output<typeof quotaShape> {
  const { orders_max, spend_max } = strictest(quota)
  const left = spend_max === null ? null : spend_max > quota.spent ? spend_max - quota.spent : 0n
  return {
    orders_per_day: {
      max: orders_max,
      own: quota.own_orders_max,
      staff: quota.staff_orders_max,
      used: quota.orders,
      left: orders_max === null ? null : Math.max(0, orders_max - quota.orders),
    },
    spend_per_day: {
      max: amountOf(spend_max),
      own: amountOf(quota.own_spend_max),
      staff: amountOf(quota.staff_spend_max),
      used: saleAmount(quota.spent),
      left: amountOf(left),
      currency: SALE_ASSET,
    },
    resets_at: quota.day_ends.toISOString(),
  }
}

function amountOf(minor: bigint | null): string | null {
  return minor === null ? null : saleAmount(minor)
}
