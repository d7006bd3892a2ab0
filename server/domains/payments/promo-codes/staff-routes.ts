import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { actorOf } from '#server/domains/identity/actor-of.ts'
import { STAFF_AREAS } from '#server/domains/identity/areas/area.ts'
import { present } from '#server/kit/invariant.ts'
import type { App } from '#server/platform/app.ts'
import { keysetCursor } from '#server/platform/http/cursor.ts'
import { createPromoCode } from './create-code.ts'
import { endPromoCode } from './end-code.ts'
import { PromoCodeNotFoundError } from './errors.ts'
import { readCode } from './promo-code.ts'
import {
  codeText,
  newPromoCode,
  promoCodeId,
  promoCodeShape,
  promoCodeView,
  readNewCode,
  reason,
  staffRedemptionShape,
  staffRedemptionView,
} from './promo-code-views.ts'
import { listPromoCodes, listRedemptions, PROMO_PAGE_MAX, selectPromoCode } from './queries.ts'

const tags = ['campaigns']
const PAGE_DEFAULT = 20

/** Newest first: a page begins below the row that ended the one before. */
const cursor = keysetCursor({ id: 'bigint' })

/** Promo codes and who has redeemed them, for staff. Register it under a scope that `guardRoutes` guards. */
export function staffPromoCodeRoutes(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    for (const area of STAFF_AREAS) {
      const prefix = `/api/${area}/promo-codes`
      await server.register(readingRoutes(app), { prefix })
      await server.register(redemptionRoute(app), { prefix })
      await server.register(changingRoutes(app), { prefix })
    }
  }
}

const page = {
  limit: z.coerce.number().int().min(1).max(PROMO_PAGE_MAX).default(PAGE_DEFAULT),
  cursor: z.string().optional().meta({ description: 'From `next_cursor` or the Link header of the page before.' }),
}
const paged = <T extends z.ZodType>(shape: T) =>
  z.object({ data: z.array(shape), has_more: z.boolean(), next_cursor: z.string().nullable() })
const number = z.string().regex(/^[1-9]\d{0,17}$/, 'must be a number')

const filterQuery = z.object({
  open: z
    .enum(['true', 'false'])
    .optional()
    .meta({ description: 'Whether it can be redeemed, now or later.', example: 'true' }),
  code: codeText.optional().meta({ description: 'The whole of it, in capitals or not.', example: 'welcome10' }),
  ...page,
})

function readingRoutes(app: App): FastifyPluginAsyncZod {
  const config = { permission: 'promo-codes:read' }
  return async (server) => {
    server.get(
      '',
      {
        config,
        schema: {
          summary: 'List the promo codes',
          description: 'Newest first, with what each has given.',
          tags,
          querystring: filterQuery,
          response: { 200: paged(promoCodeShape) },
        },
      },
      async (request, reply) => {
        const { limit, cursor: given, open, code: text } = request.query
        const before = given === undefined ? undefined : cursor.decode(given).id
        const now = app.clock.now()
        // What is no code names none.
        const code = text === undefined ? undefined : (readCode(text) ?? '')
        const filter = { open: open === undefined ? undefined : open === 'true', code, now }
        const { codes, has_more } = await listPromoCodes(app.db, filter, { before, limit })
        return {
          data: codes.map((each) => promoCodeView(each, now)),
          ...cursor.next(request, reply, codes, has_more),
        }
      },
    )

    server.get(
      '/:id',
      {
        config,
        schema: {
          summary: 'One promo code',
          description: '404 `promo_code_not_found`.',
          tags,
          params: promoCodeId,
          response: { 200: promoCodeShape },
        },
      },
      async (request) => {
        const code = await selectPromoCode(app.db, BigInt(request.params.id))
        if (!code) throw new PromoCodeNotFoundError()
        return promoCodeView(code, app.clock.now())
      },
    )
  }
}

function redemptionRoute(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    server.get(
      '/redemptions',
      {
        config: { permission: 'promo-codes:read' },
        schema: {
          summary: 'List who has redeemed promo codes',
          description: 'Newest first; of one code, of one customer, or all.',
          tags,
          querystring: z.object({ code_id: number.optional(), user_id: number.optional(), ...page }),
          response: { 200: paged(staffRedemptionShape) },
        },
      },
      async (request, reply) => {
        const { limit, cursor: given, code_id, user_id } = request.query
        const before = given === undefined ? undefined : cursor.decode(given).id
        const filter = {
          code_id: code_id === undefined ? undefined : BigInt(code_id),
          customer_id: user_id === undefined ? undefined : BigInt(user_id),
        }
        const { redemptions, has_more } = await listRedemptions(app.db, filter, { before, limit })
        const now = app.clock.now()
        return {
          data: redemptions.map((each) => staffRedemptionView(each, now)),
          ...cursor.next(request, reply, redemptions, has_more),
        }
      },
    )
  }
}

function changingRoutes(app: App): FastifyPluginAsyncZod {
  const permission = 'promo-codes:edit'
  const view = async (id: bigint) => {
    const code = present(await selectPromoCode(app.db, id), 'a code that was made or ended is there: none is removed')
    return promoCodeView(code, app.clock.now())
  }
  return async (server) => {
    server.post(
      '',
      {
        config: { permission, idempotent: 'Its code is given once: repeated it is refused.' },
        schema: {
          summary: 'Make a promo code',
          description:
            'What it promises stays; it can only be ended. Whoever made it cannot redeem it. 409 `promo_code_taken`, `too_many_promo_codes`, `too_many_discounts`; 422 `promo_budget_exceeded` where it would give more than `promo_codes.budget_max`.',
          tags,
          body: newPromoCode,
          response: { 201: promoCodeShape },
        },
      },
      async (request, reply) => {
        const wanted = readNewCode(request.body, app.clock.now())
        return reply.code(201).send(await view(await createPromoCode(app, { ...wanted, by: actorOf(request) })))
      },
    )

    server.post(
      '/:id/end',
      {
        config: { permission, idempotent: 'It ends once; who comes second is told.' },
        schema: {
          summary: 'End a promo code now',
          description:
            'Who has redeemed it keeps what it promised. 404 `promo_code_not_found`; 409 `promo_code_ended`.',
          tags,
          params: promoCodeId,
          body: z.strictObject({ reason }),
          response: { 200: promoCodeShape },
        },
      },
      async (request) => {
        const id = BigInt(request.params.id)
        await endPromoCode(app, { id, by: actorOf(request), reason: request.body.reason })
        return view(id)
      },
    )
  }
}
