import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { forgetPricesOf } from '#server/domains/catalog/snapshot.ts'
import { principalOf } from '#server/domains/identity/guard-routes.ts'
import { editorOf } from '#server/domains/identity/rights/editor.ts'
import { formatAmount } from '#server/kit/money.ts'
import type { App } from '#server/platform/app.ts'
import { keysetCursor } from '#server/platform/http/cursor.ts'
import { once } from '#server/platform/idempotency/once.ts'
import { codeText, redemptionShape, redemptionView } from './promo-code-views.ts'
import { listRedemptions, PROMO_PAGE_MAX, selectDiscountOf } from './queries.ts'
import { redeemPromoCode } from './redeem-code.ts'

const tags = ['promo codes']
const PAGE_DEFAULT = 20

/** Newest first: a page begins below the redemption that ended the one before. */
const cursor = keysetCursor({ id: 'bigint' })

/** Promo codes, as customers redeem them. Register it under a scope that `guardRoutes` guards. */
export function promoCodeRoutes(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    await server.register(redeemingRoute(app))
    await server.register(readingRoute(app))
  }
}

function redeemingRoute(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    server.post(
      '/api/v1/promo-codes/redeem',
      {
        config: { permission: 'promo-codes:redeem:own', rate_class: 'redeeming', idempotent: true },
        schema: {
          summary: 'Redeem a promo code',
          description:
            'Credits your balance at once, or makes your rates lower or your next deposit larger for a time. 409 `promo_code_redeemed` where you have it already, `balance_full`; 422 `promo_code_refused` where it is not known, not valid at present, used up, or not for you: which of them is not told.',
          tags,
          body: z.strictObject({ code: codeText }),
          response: { 201: redemptionShape },
        },
      },
      async (request, reply) => {
        const { user_id } = principalOf(request)
        const redeemed = await once(request, reply, 201, async (within) => {
          const { code } = request.body
          return redemptionView(await redeemPromoCode(within, editorOf(request), { user_id, code }), app.clock.now())
        })
        // Behind the commit: from the next request on it prices.
        forgetPricesOf(app, user_id)
        return redeemed
      },
    )
  }
}

const listShape = z.object({
  discount: z
    .object({ percent: z.string().meta({ example: '10.00' }), ends_at: z.iso.datetime() })
    .nullable()
    .meta({ description: 'The largest that you have at present.' }),
  data: z.array(redemptionShape),
  has_more: z.boolean(),
  next_cursor: z.string().nullable(),
})

function readingRoute(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    server.get(
      '/api/v1/promo-codes',
      {
        config: { permission: 'promo-codes:read:own' },
        schema: {
          summary: 'The promo codes that I have redeemed',
          description:
            'Newest first, with the discount that you have at present. The next page is at `Link: <…>; rel="next"`; no such header, no further page.',
          tags,
          querystring: z.object({
            limit: z.coerce.number().int().min(1).max(PROMO_PAGE_MAX).default(PAGE_DEFAULT),
            cursor: z
              .string()
              .optional()
              .meta({ description: 'From `next_cursor` or the Link header of the page before.' }),
          }),
          response: { 200: listShape },
        },
      },
      async (request, reply) => {
        const { limit, cursor: given } = request.query
        const before = given === undefined ? undefined : cursor.decode(given).id
        const { user_id } = principalOf(request)
        const now = app.clock.now()
        const [{ redemptions, has_more }, discount] = await Promise.all([
          listRedemptions(app.db, { customer_id: user_id }, { before, limit }),
          selectDiscountOf(app.db, user_id, now),
        ])
        return {
          discount: discount
            ? { percent: formatAmount(discount.discount_bp, 2, 2), ends_at: discount.ends_at.toISOString() }
            : null,
          data: redemptions.map((each) => redemptionView(each, now)),
          ...cursor.next(request, reply, redemptions, has_more),
        }
      },
    )
  }
}
