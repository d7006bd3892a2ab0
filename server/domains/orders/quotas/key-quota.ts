import { saleAmount } from '#server/domains/catalog/sale-amount.ts'
import { SALE_ASSET } from '#server/domains/catalog/service.ts'
import { keysOfLine } from '#server/domains/identity/keys/key-line.ts'
import type { OrderRefusal } from '../errors.ts'
import { dayAsOf } from '../limits/day.ts'

/** What the owner of a key set and what staff set. Null: nothing. Amounts in minor units of SALE_ASSET. */
export interface QuotaMaxima {
  own_orders_max: number | null
  own_spend_max: bigint | null
  staff_orders_max: number | null
  staff_spend_max: bigint | null
}

/** A key's quota and what is used of it. */
export interface KeyQuota extends QuotaMaxima {
  /** The first of the line of rotations: its successors share the quota. */
  key_id: bigint
  customer_id: bigint
  /** Orders placed since `day_began` that were not cancelled. */
  orders: number
  /** Their charges, less what of them was given back since. */
  spent: bigint
  day_began: Date
  day_ends: Date
}

/** The row of one whose orders may not have been counted yet. */
export type QuotaRow = KeyQuota | (QuotaMaxima & { key_id: bigint; customer_id: bigint; orders: null })

/** The columns of a QuotaRow. */
export const QUOTA_COLUMNS = `q.key_id, q.customer_id, q.own_orders_max, q.own_spend_max, q.staff_orders_max, q.staff_spend_max,
  q.orders, q.spent, q.day_began, q.day_ends`

/** For select lists: what `customer` ordered since `began` with the keys of the line of `first`, from the orders themselves. */
export const orderedOf = (customer: string, first: string, began: string) => `
  count(*) filter (where o.state <> 'cancelled')::int as orders, coalesce(sum(o.charge - o.released), 0)::bigint as spent
  from orders.orders o where o.customer_id = ${customer} and o.placed_at >= ${began} and o.key_id in ${keysOfLine(first)}`

/** No key places more in a day. */
export const ORDERS_MAX = 1_000_000_000

/** What holds: of two values the smaller. Null is without limit. */
export function strictest(maxima: QuotaMaxima): { orders_max: number | null; spend_max: bigint | null } {
  const { own_orders_max, own_spend_max, staff_orders_max, staff_spend_max } = maxima
  return { orders_max: smaller(own_orders_max, staff_orders_max), spend_max: smaller(own_spend_max, staff_spend_max) }
}

function smaller<T extends number | bigint>(a: T | null, b: T | null): T | null {
  if (a === null || b === null) return a ?? b
  return a < b ? a : b
}

/** The quota as of `now`: when its day is over, at the beginning of the present one, with nothing used. */
export function quotaAsOf(quota: KeyQuota, now: Date, time_zone: string): KeyQuota {
  const day = dayAsOf(quota, now, time_zone)
  return day ? { ...quota, ...day, orders: 0, spent: 0n } : quota
}

/** Why so many orders of this charge in all are too many for what is left; undefined when they are not. Pure. */
export function refusalOf(quota: KeyQuota, charge: bigint, orders: number, now: Date): OrderRefusal | undefined {
  const { orders_max, spend_max } = strictest(quota)
  const resets_at = quota.day_ends.toISOString()
  const retry_after_s = Math.max(1, Math.ceil((quota.day_ends.getTime() - now.getTime()) / 1_000))
  const refused = { code: 'quota_exceeded', field: undefined, retry_after_s } as const
  if (orders_max !== null && quota.orders + orders > orders_max) {
    const left = String(Math.max(0, orders_max - quota.orders))
    const message = `Of the ${orders_max} orders that may be placed with this API key today ${left} are left, until ${resets_at}.`
    const allowance = { limit: String(orders_max), left, resets_at }
    return { ...refused, message, allowance, quota: 'orders_per_day' }
  }
  if (spend_max !== null && quota.spent + charge > spend_max) {
    const limit = saleAmount(spend_max)
    const left = saleAmount(spend_max > quota.spent ? spend_max - quota.spent : 0n)
    const message = `Of the ${limit} ${SALE_ASSET} that may be spent with this API key today ${left} are left, until ${resets_at}.`
    return { ...refused, message, allowance: { limit, left, resets_at }, quota: 'spend_per_day' }
  }
  return undefined
}
