import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { actorOf } from '#server/domains/identity/actor-of.ts'
import { ProviderNotFoundError } from '#server/domains/providers/errors.ts'
import { findProvider } from '#server/domains/providers/queries.ts'
import { parseAmount } from '#server/kit/money.ts'
import type { App } from '#server/platform/app.ts'
import { idText } from '#server/platform/http/id-text.ts'
import { InvalidRequestError } from '#server/platform/http/problem.ts'
import { TopupRefusedError } from './errors.ts'
import { recordTopup } from './record-topup.ts'

/** Booking what was paid to providers, for staff. Register it under a scope that `guardRoutes` guards. */
export function topupRoutes(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    server.post(
      '/api/admin/providers/:id/top-ups',
      {
        config: { permission: 'providers:top-up', idempotent: 'A payment is booked once, by its reference.' },
        schema: {
          summary: 'Book what was paid to a provider',
          description:
            'Or came back from it, below zero. From then on our count of the balance there has it. Under a `reference` that was booked already nothing moves; with another amount, 409 `topup_reference_used`.',
          tags: ['finance'],
          params: z.object({ id: idText('must be the number of a provider') }),
          body: z.strictObject({
            amount: z.string().max(40).meta({ description: 'In the provider’s currency.', example: '250.00' }),
            reference: z
              .string()
              .trim()
              .min(1)
              .max(100)
              .meta({ description: 'Names the payment.', example: 'invoice 4711' }),
          }),
          response: { 200: z.object({ booked: z.boolean().meta({ description: 'False: it was booked before.' }) }) },
        },
      },
      async (request) => {
        const provider_id = BigInt(request.params.id)
        const provider = await findProvider(app.db, provider_id)
        if (!provider) throw new ProviderNotFoundError(provider_id)
        const amount = parseAmount(request.body.amount, provider.scale)
        if (amount === undefined || amount === 0n) {
          throw new InvalidRequestError([{ field: 'amount', reason: 'must be an amount such as 250.00' }])
        }
        const topup = { provider_id, amount, key: request.body.reference, by: actorOf(request) }
        const outcome = await app.db.transaction((tx) => recordTopup(app, tx, topup))
        if (!outcome.ok) throw new TopupRefusedError(outcome.refusal)
        return { booked: !outcome.replayed }
      },
    )
  }
}
