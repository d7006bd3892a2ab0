import { z } from 'zod'
import { SALE_ASSET } from '#server/domains/catalog/service.ts'
import { AMOUNT_MAX, parseAmount } from '#server/kit/money.ts'
import { isTimeZone } from '#server/kit/time-zone.ts'
import type { App } from '#server/platform/app.ts'
import { defineSetting } from '#server/platform/settings/setting.ts'
import { dayAsOf } from './day.ts'

/** A customer's own limits. Null: the house's. Amounts in minor units of SALE_ASSET. */
export interface OwnLimits {
  daily_spend_max: bigint | null
  in_flight_max: number | null
}

/** What a customer is limited to and has used. */
export interface CustomerLimit extends OwnLimits {
  customer_id: bigint
  /** Orders that have not ended. */
  in_flight: number
  /** Charges of orders placed since `day_began`, less what of them was given back since. */
  spent: bigint
  day_began: Date
  day_ends: Date
}

/** The row of one whose orders may not have been counted yet. */
export type LimitRow = CustomerLimit | (OwnLimits & { customer_id: bigint; in_flight: null })

/** The columns of a LimitRow. */
export const LIMIT_COLUMNS = 'customer_id, daily_spend_max, in_flight_max, in_flight, spent, day_began, day_ends'

/** For select lists: what customer `customer` has under way, and has spent since `began`, from the orders themselves. */
export const countedOf = (customer: string, began: string) => `
  (select count(*)::int from orders.orders o where o.customer_id = ${customer} and o.state not in ('completed', 'partial', 'cancelled')) as in_flight,
  (select coalesce(sum(o.charge - o.released), 0)::bigint from orders.orders o
    where o.customer_id = ${customer} and o.placed_at >= ${began}) as spent`

/** Digits after the point of an amount. */
const SCALE = 6

/** An amount as settings and callers spell it: `150.00`. */
export const amountText = z
  .string()
  .max(30)
  .transform((text, context) => {
    const amount = parseAmount(text, SCALE)
    if (amount !== undefined && amount >= 0n && amount <= AMOUNT_MAX) return amount
    context.addIssue({ code: 'custom', message: `must be an amount in ${SALE_ASSET}, such as 150.00` })
    return z.NEVER
  })

/** No house has more; what a customer is set to who is to have no limit, whatever the house's. */
export const IN_FLIGHT_MAX = 1_000_000_000

export const dailySpendMax = defineSetting({
  name: 'orders.daily_spend_max',
  schema: amountText.nullable(),
  default: null,
  description:
    'What a customer without a limit of their own may spend on orders in a calendar day, after what is given back of them the same day; null is without limit. Too low refuses honest orders, too high lets a stolen key empty a balance.',
  unit: SALE_ASSET,
})

export const inFlightMax = defineSetting({
  name: 'orders.in_flight_max',
  schema: z.number().int().min(0).max(IN_FLIGHT_MAX).nullable(),
  default: null,
  description:
    'How many orders that have not ended a customer without a limit of their own may have at once; null is without limit.',
  unit: 'orders',
})

export const dayTimeZone = defineSetting({
  name: 'orders.day_time_zone',
  schema: z.string().max(60).refine(isTimeZone, 'must be a time zone such as Asia/Dhaka'),
  default: 'UTC',
  description:
    'In which time zone the day of the daily spend limit begins. The house’s and not the customer’s: who may choose it could begin a new day at will. A change holds from each customer’s next day on.',
})

export const orderLimitSettings = [dailySpendMax, inFlightMax, dayTimeZone]

/** What holds for a customer; null is without limit. */
export function effective(app: Pick<App, 'settings'>, own: OwnLimits | undefined): OwnLimits {
  return {
    daily_spend_max: own?.daily_spend_max ?? app.settings.read(dailySpendMax),
    in_flight_max: own?.in_flight_max ?? app.settings.read(inFlightMax),
  }
}

/** The limit as of `now`: when its day is over, at the beginning of the present one, with nothing spent. */
export function asOf(limit: CustomerLimit, now: Date, time_zone: string): CustomerLimit {
  const day = dayAsOf(limit, now, time_zone)
  return day ? { ...limit, ...day, spent: 0n } : limit
}
