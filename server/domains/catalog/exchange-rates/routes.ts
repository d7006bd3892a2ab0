import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { actorOf } from '#server/domains/identity/actor-of.ts'
import { formatAmount, parseAmount } from '#server/kit/money.ts'
import type { App } from '#server/platform/app.ts'
import { InvalidRequestError } from '#server/platform/http/problem.ts'
import { EXCHANGE_SCALE } from '../markup.ts'
import { freshSince } from '../pricing.ts'
import { latestRates } from './queries.ts'
import { setExchangeRate } from './set-exchange-rate.ts'

const tags = ['prices']

const rateShape = z.object({
  currency: z.string().meta({ example: 'EUR' }),
  usd: z.string().meta({ description: 'What one unit is worth.', example: '1.0874' }),
  at: z.iso.datetime(),
  source: z.string().meta({ example: 'ECB' }),
  set_by: z.string().nullable().meta({ description: 'Null: at the terminal.', example: '4' }),
  fresh: z.boolean().meta({ description: 'Services billed in a currency without a fresh rate are not sold.' }),
})

const body = z.strictObject({
  usd: z
    .string()
    .regex(/^\d{1,6}(\.\d{1,12})?$/, 'must be a decimal such as 1.0874, with up to twelve decimals')
    .meta({ example: '1.0874' }),
  source: z.string().trim().min(1).max(200).meta({ description: 'Where you read it.', example: 'ECB' }),
  confirm: z.literal(true).optional().meta({ description: 'That a jump of more than a fifth is meant so.' }),
})

/** What currencies are worth, for staff. Register it under a scope that `guardRoutes` guards. */
export function exchangeRateRoutes(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    server.get(
      '/api/admin/exchange-rates',
      {
        config: { permission: 'prices:read' },
        schema: {
          summary: 'List the exchange rates',
          description:
            'The latest of each currency; how old one may be, says the setting `catalog.exchange_rate_hours_max`.',
          tags,
          response: { 200: z.object({ data: z.array(rateShape) }) },
        },
      },
      async () => {
        const since = freshSince(app)
        const rates = await latestRates(app.db)
        return {
          data: rates.map(({ asset, usd_per_unit, at, source, user_id }) => ({
            currency: asset,
            usd: formatAmount(usd_per_unit, EXCHANGE_SCALE),
            at: at.toISOString(),
            source,
            set_by: user_id === null ? null : String(user_id),
            fresh: at >= since,
          })),
        }
      },
    )

    server.put(
      '/api/admin/exchange-rates/:currency',
      {
        config: { permission: 'prices:edit' },
        schema: {
          summary: 'Set what a currency is worth, and price anew what is billed in it',
          description: 'Sent again it is fresh again. 404 `currency_unknown`; 409 `rate_jumps`.',
          tags,
          params: z.object({ currency: z.string().min(1).max(12).meta({ example: 'EUR' }) }),
          body,
          response: { 200: z.object({ changed: z.number().int().meta({ description: 'Services.', example: 12 }) }) },
        },
      },
      async (request) => {
        const { usd, source, confirm } = request.body
        const usd_per_unit = parseAmount(usd, EXCHANGE_SCALE) ?? 0n
        if (usd_per_unit === 0n) throw new InvalidRequestError([{ field: 'usd', reason: 'must be above zero' }])
        const input = { asset: request.params.currency, usd_per_unit, source, confirm, by: actorOf(request) }
        return { changed: (await setExchangeRate(app, input)).length }
      },
    )
  }
}
