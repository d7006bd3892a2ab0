import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { principalOf } from '#server/domains/identity/guard-routes.ts'
import { editorOf } from '#server/domains/identity/rights/editor.ts'
import { formatAmount, parseAmount } from '#server/kit/money.ts'
import type { App } from '#server/platform/app.ts'
import { keysetCursor } from '#server/platform/http/cursor.ts'
import { once } from '#server/platform/idempotency/once.ts'
import { WALLET_ASSET, WALLET_SCALE } from '../accounts.ts'
import type { BonusRule } from '../bonuses/bonus-rule.ts'
import { selectRulesAt } from '../bonuses/queries.ts'
import { askDeposit } from './ask-deposit.ts'
import { cancelDeposit } from './cancel-deposit.ts'
import { SHOWN_STATES, statesShownAs } from './deposit.ts'
import { depositId, depositShape, depositView, newDeposit } from './deposit-views.ts'
import { DepositNotFoundError } from './errors.ts'
import { DEPOSITS_PAGE_MAX, findDeposit, listDeposits } from './queries.ts'
import { depositAnswerDays, depositMax, depositMethods, depositMin, depositsPendingMax } from './settings.ts'

const tags = ['deposits']
const PAGE_DEFAULT = 20

/** Newest first: a page begins below the deposit that ended the one before. */
const cursor = keysetCursor({ id: 'bigint' })

/** Deposits by hand, as their customers ask for and see them. Register it under a scope that `guardRoutes` guards. */
export function depositRoutes(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    await server.register(optionsRoute(app))
    await server.register(askingRoute())
    await server.register(readingRoutes(app))
    await server.register(cancellingRoute(app))
  }
}

const optionsShape = z.object({
  currency: z.string().meta({ example: 'USD' }),
  amount_min: z.string().meta({ example: '1.00' }),
  amount_max: z.string().meta({ example: '10000.00' }),
  pending_max: z.int().meta({ description: 'How many of yours may wait at the same time.', example: 3 }),
  answer_days: z.int().meta({ description: 'After how many days without an answer one expires.', example: 7 }),
  methods: z.array(
    z.object({
      code: z.string().meta({ example: 'bank_transfer' }),
      name: z.string().meta({ example: 'Bank transfer' }),
      instructions: z.string().meta({ example: 'Tell us the number of the transfer.' }),
    }),
  ),
  bonuses: z
    .array(
      z.object({
        deposit_min: z.string().meta({ example: '100.00' }),
        percent: z.string().meta({ example: '5.00' }),
        amount_max: z.string().nullable(),
        ends_at: z.iso.datetime().nullable(),
      }),
    )
    .meta({ description: 'What is given on top of what comes in; the one that gives most counts.' }),
})

function optionsRoute({ settings, db, clock }: App): FastifyPluginAsyncZod {
  return async (server) => {
    server.get(
      '/api/v1/deposits/options',
      {
        config: { permission: 'deposits:read:own' },
        schema: { summary: 'How I can pay in by hand', tags, response: { 200: optionsShape } },
      },
      async () => ({
        currency: WALLET_ASSET,
        amount_min: formatAmount(settings.read(depositMin), WALLET_SCALE, 2),
        amount_max: formatAmount(settings.read(depositMax), WALLET_SCALE, 2),
        pending_max: settings.read(depositsPendingMax),
        answer_days: settings.read(depositAnswerDays),
        methods: [...settings.read(depositMethods)],
        bonuses: (await selectRulesAt(db, WALLET_ASSET, clock.now())).map(bonusView),
      }),
    )
  }
}

function bonusView({ deposit_min, percent_bp, amount_max, ends_at }: BonusRule) {
  return {
    deposit_min: formatAmount(deposit_min, WALLET_SCALE, 2),
    percent: formatAmount(percent_bp, 2, 2),
    amount_max: amount_max === null ? null : formatAmount(amount_max, WALLET_SCALE, 2),
    ends_at: ends_at?.toISOString() ?? null,
  }
}

function askingRoute(): FastifyPluginAsyncZod {
  return async (server) => {
    server.post(
      '/api/v1/deposits',
      {
        config: { permission: 'deposits:create:own', idempotent: true },
        schema: {
          summary: 'Tell what I have paid in',
          description:
            'Staff look for the payment and credit it. 409 `reference_used`, `too_many_deposits`; 422 `amount_refused`, `method_not_offered`, `reference_refused`, each with its field.',
          tags,
          body: newDeposit,
          response: { 201: depositShape },
        },
      },
      (request, reply) =>
        once(request, reply, 201, async (within) => {
          const { amount, ...asked } = request.body
          const { user_id } = principalOf(request)
          const input = { ...asked, user_id, amount: parseAmount(amount, WALLET_SCALE) }
          return depositView(await askDeposit(within, editorOf(request), input))
        }),
    )
  }
}

function readingRoutes(app: App): FastifyPluginAsyncZod {
  const config = { permission: 'deposits:read:own' }
  return async (server) => {
    server.get(
      '/api/v1/deposits',
      {
        config,
        schema: {
          summary: 'My deposits',
          description: 'Newest first. The next page is at `Link: <…>; rel="next"`; no such header, no further page.',
          tags,
          querystring: z.object({
            state: z.enum(SHOWN_STATES).optional(),
            limit: z.coerce.number().int().min(1).max(DEPOSITS_PAGE_MAX).default(PAGE_DEFAULT),
            cursor: z
              .string()
              .optional()
              .meta({ description: 'From `next_cursor` or the Link header of the page before.' }),
          }),
          response: {
            200: z.object({ data: z.array(depositShape), has_more: z.boolean(), next_cursor: z.string().nullable() }),
          },
        },
      },
      async (request, reply) => {
        const { limit, cursor: given, state } = request.query
        const before = given === undefined ? undefined : cursor.decode(given).id
        const { user_id } = principalOf(request)
        const filter = { user_id, states: state && statesShownAs(state) }
        const { deposits, has_more } = await listDeposits(app, filter, { before, limit })
        return { data: deposits.map(depositView), ...cursor.next(request, reply, deposits, has_more) }
      },
    )

    server.get(
      '/api/v1/deposits/:id',
      { config, schema: { summary: 'One of my deposits', tags, params: depositId, response: { 200: depositShape } } },
      async (request) => {
        const deposit = await findDeposit(app, BigInt(request.params.id))
        if (deposit?.user_id !== principalOf(request).user_id) throw new DepositNotFoundError()
        return depositView(deposit)
      },
    )
  }
}

function cancellingRoute(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    server.post(
      '/api/v1/deposits/:id/cancel',
      {
        config: { permission: 'deposits:cancel:own', idempotent: 'what is cancelled is so, and answers the same' },
        schema: {
          summary: 'Take a deposit back that nobody has answered',
          description: '409 `deposit_settled`.',
          tags,
          params: depositId,
          response: { 200: depositShape },
        },
      },
      async (request) => {
        const input = { id: BigInt(request.params.id), user_id: principalOf(request).user_id }
        return depositView(await cancelDeposit(app, editorOf(request), input))
      },
    )
  }
}
