import { z } from 'zod'
import { AMOUNT_MAX, parseAmount } from '#server/kit/money.ts'
import type { App } from '#server/platform/app.ts'
import { defineSetting } from '#server/platform/settings/setting.ts'

/** Digits after the point of an amount of sales. */
export const SCALE = 6

const on = z.boolean()
const floor = z.int().min(1).max(1_000_000_000)
const times = z.int().min(1).max(1_000)
const money = z
  .string()
  .max(30)
  .transform((text, context) => {
    const amount = parseAmount(text, SCALE)
    if (amount !== undefined && amount > 0n && amount <= AMOUNT_MAX) return amount
    context.addIssue({ code: 'custom', message: 'must be an amount above zero, such as 1000.00' })
    return z.NEVER
  })

const OWN_USUAL =
  'Suspended is who has more than `floor` and more than `times` the highest hour of that key, or of those it took the place of, in two weeks; a new key has no usual, so the floor alone holds for it. Too low stops honest resellers, too high lets a stolen key go on.'

/** Orders in an hour. */
const suspendOnOrders = defineSetting({
  name: 'api_keys.suspend_on_orders',
  schema: z.strictObject({ on, floor, times }),
  default: { on: true, floor: 5_000, times: 10 },
  description: `Orders placed with an API key in an hour. ${OWN_USUAL}`,
  unit: 'orders',
})

/** Spent in an hour. */
const suspendOnSpending = defineSetting({
  name: 'api_keys.suspend_on_spending',
  schema: z.strictObject({ on, floor: money, times }),
  default: { on: true, floor: '2000', times: 10 },
  description: `Spent with an API key in an hour, in the currency of sales. ${OWN_USUAL}`,
})

/** Orders refused in an hour. */
const suspendOnRefusals = defineSetting({
  name: 'api_keys.suspend_on_refusals',
  schema: z.strictObject({ on, floor, percent: z.int().min(1).max(100) }),
  default: { on: true, floor: 2_000, percent: 95 },
  description:
    'An API key is suspended when more than `floor` orders with it were refused in an hour, and these are at least `percent` of all that were asked for. A shop that goes on ordering on an empty balance is refused as well: the floor is for what no shop does.',
  unit: 'orders',
})

/** Requests from networks that are not on the list. */
const suspendOnForeignRequests = defineSetting({
  name: 'api_keys.suspend_on_foreign_requests',
  schema: z.strictObject({ on, floor }),
  default: { on: true, floor: 500 },
  description:
    'An API key with a list of addresses is suspended when more than `floor` requests came with it from others in an hour: they were refused, but whoever sent them has the key.',
  unit: 'requests',
})

/** Networks in an hour. */
const suspendOnNetworks = defineSetting({
  name: 'api_keys.suspend_on_networks',
  schema: z.strictObject({ on, floor: z.int().min(1).max(10_000), times }),
  default: { on: true, floor: 50, times: 5 },
  description: `From how many networks (an IPv4 address, or a /64 of IPv6) an API key was used in an hour. ${OWN_USUAL}`,
  unit: 'networks',
})

export const SUSPICION_SETTINGS = [
  suspendOnOrders,
  suspendOnSpending,
  suspendOnRefusals,
  suspendOnForeignRequests,
  suspendOnNetworks,
] as const

/** What the rules are now. */
export function suspicionRules({ settings }: Pick<App, 'settings'>) {
  return {
    orders: settings.read(suspendOnOrders),
    spending: settings.read(suspendOnSpending),
    refusals: settings.read(suspendOnRefusals),
    foreign_requests: settings.read(suspendOnForeignRequests),
    networks: settings.read(suspendOnNetworks),
  }
}

export type SuspicionRules = ReturnType<typeof suspicionRules>
