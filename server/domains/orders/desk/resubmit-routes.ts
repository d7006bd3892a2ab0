import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { actorOf } from '#server/domains/identity/actor-of.ts'
import type { Providers } from '#server/domains/providers/registry.ts'
import { present } from '#server/kit/invariant.ts'
import type { App } from '#server/platform/app.ts'
import { idText } from '#server/platform/http/id-text.ts'
import { queuedAmong } from '../queries.ts'
import { balanceOf, resubmitRefused } from './problems.ts'
import { RESUBMIT_ORDERS_MAX, type ResubmitOutcome, resubmitOrders } from './resubmit-orders.ts'

const id = idText('must be the number of an order').meta({ example: '23501' })

const accept_loss = z.boolean().default(false).meta({
  description: 'Send it though it costs more today than its customer paid: up to what it costs at this moment.',
})

const orderIds = z.strictObject({ order_ids: z.array(id).min(1).max(RESUBMIT_ORDERS_MAX), accept_loss })

const outcomeShape = z.object({
  id: z.string().meta({ example: '23501' }),
  ok: z.boolean(),
  code: z.string().nullable().meta({ example: 'order_not_failed' }),
  message: z.string().nullable(),
  balance: z.string().nullable().meta({ description: 'Our balance with the provider, where it is too low.' }),
})

/** Sending failed orders again, one or many: a part of the desk. */
export function resubmitRoutes(app: App, providers: Providers): FastifyPluginAsyncZod {
  const config = {
    permission: 'orders:resubmit',
    idempotent: 'An order that has been sent again is not failed any more: of two who press at once, one sends it.',
  }
  return async (server) => {
    server.post(
      '/:id/resubmit',
      {
        config,
        schema: {
          summary: 'Send a failed order to its provider again',
          description:
            'Our balance with the provider is asked first: 400 `insufficient_provider_balance` with `balance` where it does not cover the cost, 502 `balance_unavailable` where it cannot be read. 409 `order_not_failed` for any other order, and `cost_above_price` where it would be sent at a loss and that is not accepted.',
          tags: ['order desk'],
          params: z.object({ id }),
          body: z.strictObject({ accept_loss }).nullish(),
          response: { 200: outcomeShape },
        },
      },
      async (request) => {
        const { id: text } = request.params
        const [outcome] = await resubmitOrders(app, providers, [BigInt(text)], actorOf(request), request.body ?? {})
        const known = present(outcome, 'an outcome for each order')
        if (!known.ok) throw resubmitRefused(known)
        return outcomeView(text, known)
      },
    )

    server.post(
      '/resubmit',
      {
        config,
        schema: {
          summary: 'Send failed orders to their providers again',
          description:
            'One outcome for each, in their order. Our balance with each provider is asked first and runs down over its orders; what it does not cover stays failed. So does what would be sent at a loss, unless `accept_loss`.',
          tags: ['order desk'],
          body: orderIds,
          response: { 200: z.object({ data: z.array(outcomeShape) }) },
        },
      },
      async (request) => {
        const { order_ids, accept_loss } = request.body
        const ids = order_ids.map(BigInt)
        const outcomes = await resubmitOrders(app, providers, ids, actorOf(request), { accept_loss })
        return { data: outcomes.map((outcome, i) => outcomeView(order_ids[i] as string, outcome)) }
      },
    )
  }
}

/**
 * Sending orders to their providers by hand, under the path that the order document names: what failed is sent again, what is queued goes by itself. Register it under a scope that
 * `guardRoutes` guards.
 */
export function placeToProviderRoute(app: App, providers: Providers): FastifyPluginAsyncZod {
  return async (server) => {
    server.post(
      '/api/orders/place-to-provider',
      {
        config: {
          permission: 'orders:resubmit',
          idempotent: 'What is queued is sent once, and what has been sent again is not failed any more.',
        },
        schema: {
          summary: 'Send orders to their providers now',
          description:
            'One outcome for each, in their order. Workers send what is queued by themselves; what failed is sent again, as by `POST /api/admin/orders/resubmit`.',
          tags: ['order desk'],
          body: orderIds,
          response: { 200: z.object({ data: z.array(outcomeShape) }) },
        },
      },
      async (request) => {
        const { order_ids, accept_loss } = request.body
        const ids = order_ids.map(BigInt)
        const queued = await queuedAmong(app.db, ids)
        const failed = ids.filter((each) => !queued.has(each))
        const outcomes = await resubmitOrders(app, providers, failed, actorOf(request), { accept_loss })
        const again = new Map(failed.map((each, i) => [each, outcomes[i] as ResubmitOutcome]))
        return { data: ids.map((each, i) => outcomeView(order_ids[i] as string, again.get(each) ?? { ok: true })) }
      },
    )
  }
}

function outcomeView(order_id: string, outcome: ResubmitOutcome): z.output<typeof outcomeShape> {
  if (outcome.ok) return { id: order_id, ok: true, code: null, message: null, balance: null }
  const { code, message } = outcome
  return { id: order_id, ok: false, code, message, balance: balanceOf(outcome).balance ?? null }
}
