import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { saleAmount } from '#server/domains/catalog/sale-amount.ts'
import { SALE_ASSET } from '#server/domains/catalog/service.ts'
import { actorOf } from '#server/domains/identity/actor-of.ts'
import { UserNotFoundError } from '#server/domains/identity/errors.ts'
import { principalOf } from '#server/domains/identity/guard-routes.ts'
import { userById } from '#server/domains/identity/queries.ts'
import { AMOUNT_MAX } from '#server/kit/money.ts'
import type { App } from '#server/platform/app.ts'
import { quotaShape, quotaView } from '../quotas/quota-views.ts'
import { quotaOfLine } from '../quotas/read-quota.ts'
import { amountText, IN_FLIGHT_MAX } from './customer-limit.ts'
import { type LimitsRead, readLimits } from './read-limits.ts'
import { setLimits } from './set-limits.ts'

const REASON_MAX = 500

const max = (example: string) => z.string().nullable().meta({ description: 'Null: no limit.', example })
const own = z.boolean().meta({ description: 'Whether it is set for this customer; otherwise it is the house’s.' })

const limitsShape = z.object({
  daily_spend: z.object({
    max: max('150.00'),
    own,
    spent: z.string().meta({ description: 'Of orders placed today, less what was given back.', example: '12.50' }),
    left: z.string().nullable().meta({ example: '137.50' }),
    currency: z.string().meta({ example: 'USD' }),
    resets_at: z.iso.datetime().meta({ description: 'When the day ends, in the house’s time zone.' }),
  }),
  in_flight: z.object({
    max: z.int().nullable().meta({ description: 'Null: no limit.', example: 100 }),
    own,
    orders: z.int().meta({ description: 'Orders that have not ended.', example: 3 }),
    left: z.int().nullable().meta({ example: 97 }),
  }),
})

const ownLimitsShape = limitsShape.extend({
  api_key: quotaShape.nullable().meta({ description: 'The daily quota of the API key that asks; null: it has none.' }),
})

const change = z.strictObject({
  daily_spend: z
    .union([z.literal('none'), z.literal('house'), amountText])
    .optional()
    .meta({ description: 'An amount; `none` for no limit, `house` for the house’s.', example: '150.00' }),
  in_flight: z
    .union([z.literal('none'), z.literal('house'), z.int().min(0).max(IN_FLIGHT_MAX)])
    .optional()
    .meta({ description: 'A number of orders; `none` for no limit, `house` for the house’s.', example: 100 }),
  reason: z.string().trim().min(1).max(REASON_MAX).meta({ example: 'Their bank called.' }),
})

const userId = z.object({ id: z.string().regex(/^[1-9]\d{0,17}$/) })

/** How much a customer may spend in a day and have under way: for themselves to see, for staff to set. */
export function limitRoutes(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    server.get(
      '/api/v1/limits',
      {
        config: { permission: 'balance:read:own' },
        schema: {
          summary: 'My limits on orders',
          description:
            'What I may spend in a day and have under way at once, what the API key that asks may order in a day, and what is left of it.',
          tags: ['money'],
          response: { 200: ownLimitsShape },
        },
      },
      async (request) => {
        const { user_id, first_key_id } = principalOf(request)
        const limits = limitsView(await readLimits(app, user_id))
        const quota = first_key_id === undefined ? undefined : await quotaOfLine(app, first_key_id)
        return { ...limits, api_key: quota ? quotaView(quota) : null }
      },
    )

    server.get(
      '/api/admin/users/:id/limits',
      {
        config: { permission: 'limits:read' },
        schema: {
          summary: 'A customer’s limits on orders',
          tags: ['staff'],
          params: userId,
          response: { 200: limitsShape },
        },
      },
      async (request) => {
        const customer_id = BigInt(request.params.id)
        if (!(await userById(app, customer_id))) throw new UserNotFoundError()
        return limitsView(await readLimits(app, customer_id))
      },
    )

    server.put(
      '/api/admin/users/:id/limits',
      {
        config: { permission: 'limits:edit' },
        schema: {
          summary: 'Set a customer’s limits on orders',
          description:
            'They hold for every order from then on; what is spent and under way already counts. What is left out stays.',
          tags: ['staff'],
          params: userId,
          body: change,
          response: { 200: limitsShape },
        },
      },
      async (request) => {
        const customer_id = BigInt(request.params.id)
        const { daily_spend, in_flight, reason } = request.body
        await setLimits(app, {
          customer_id,
          by: actorOf(request),
          reason,
          ...(daily_spend !== undefined && { daily_spend_max: asStored(daily_spend, AMOUNT_MAX) }),
          ...(in_flight !== undefined && { in_flight_max: asStored(in_flight, IN_FLIGHT_MAX) }),
        })
        return limitsView(await readLimits(app, customer_id))
      },
    )
  }
}

/** No limit is one that nobody reaches, so that it also stands against a house's limit. */
function asStored<T>(given: T | 'none' | 'house', unreachable: T): T | null {
  if (given === 'house') return null
  return given === 'none' ? unreachable : given
}

function limitsView({ daily_spend, in_flight }: LimitsRead): z.output<typeof limitsShape> {
  const spend_max = daily_spend.max === AMOUNT_MAX ? null : daily_spend.max
  const orders_max = in_flight.max === IN_FLIGHT_MAX ? null : in_flight.max
  const left = spend_max === null ? null : spend_max > daily_spend.spent ? spend_max - daily_spend.spent : 0n
  return {
    daily_spend: {
      max: amountOf(spend_max),
      own: daily_spend.own,
      spent: saleAmount(daily_spend.spent),
      left: amountOf(left),
      currency: SALE_ASSET,
      resets_at: daily_spend.resets_at.toISOString(),
    },
    in_flight: {
      max: orders_max,
      own: in_flight.own,
      orders: in_flight.orders,
      left: orders_max === null ? null : Math.max(0, orders_max - in_flight.orders),
    },
  }
}

function amountOf(minor: bigint | null): string | null {
  return minor === null ? null : saleAmount(minor)
}
