import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { editorOf } from '#server/domains/identity/rights/editor.ts'
import { formatAmount, parseAmount } from '#server/kit/money.ts'
import type { App } from '#server/platform/app.ts'
import { keysetCursor } from '#server/platform/http/cursor.ts'
import { once } from '#server/platform/idempotency/once.ts'
import { WALLET_SCALE } from '../accounts.ts'
import { ADJUSTMENT_REASON_MAX, ADJUSTMENT_STATES, type Adjustment } from './adjustment.ts'
import { askAdjustment } from './ask-adjustment.ts'
import { decideAdjustment } from './decide-adjustment.ts'
import { AmountRefusedError } from './errors.ts'
import { ADJUSTMENTS_PAGE_MAX, listAdjustments } from './queries.ts'

const tags = ['adjustments']
const PAGE_DEFAULT = 20

/** Newest first: a page begins below the adjustment that ended the one before. */
const cursor = keysetCursor({ id: 'bigint' })

const id = z.string().regex(/^[1-9]\d{0,17}$/, 'must be a number')
const byId = z.object({ id })
const reason = z
  .string()
  .trim()
  .min(1)
  .max(ADJUSTMENT_REASON_MAX)
  .meta({ description: 'The customer is told it when the money moves.', example: 'Goodwill for order 4711.' })

const adjustmentShape = z.object({
  id: z.string().meta({ example: '5' }),
  user_id: z.string().meta({ example: '17' }),
  amount: z.string().meta({ description: 'Below zero takes away.', example: '-12.50' }),
  currency: z.string().meta({ example: 'USD' }),
  reason,
  state: z.enum(ADJUSTMENT_STATES).meta({ description: '`asked` waits for a second person.' }),
  asked_by: z.string().nullable().meta({ description: 'Null: at the terminal.', example: '3' }),
  asked_at: z.iso.datetime(),
  expires_at: z.iso.datetime().nullable(),
  decided_by: z.string().nullable().meta({ example: '4' }),
  decided_at: z.iso.datetime().nullable(),
  decision_reason: z.string().nullable(),
})

/** Putting customers' balances right, and the second person above a limit. Register it under a scope that `guardRoutes` guards. */
export function adjustmentRoutes(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    await server.register(askingRoute())
    await server.register(listRoute(app))
    for (const verdict of ['approve', 'refuse'] as const) await server.register(decidingRoute(app, verdict))
  }
}

function askingRoute(): FastifyPluginAsyncZod {
  return async (server) => {
    server.post(
      '/api/admin/users/:id/balance-adjustments',
      {
        config: { permission: 'balances:adjust', idempotent: true },
        schema: {
          summary: 'Put a customer’s balance right',
          description:
            'Posted at once, or `asked`, where what you put right alone within 24 hours exceeds `adjustments.second_person_above`. 409 `insufficient_funds` when more would be taken than is available.',
          tags,
          params: byId,
          body: z.strictObject({ amount: z.string().max(40).meta({ example: '25.50' }), reason }),
          response: { 201: adjustmentShape },
        },
      },
      (request, reply) =>
        once(request, reply, 201, async (within) => {
          const amount = parseAmount(request.body.amount, WALLET_SCALE)
          if (amount === undefined) throw new AmountRefusedError()
          const input = { user_id: BigInt(request.params.id), amount, reason: request.body.reason }
          return adjustmentView(await askAdjustment(within, editorOf(request), input))
        }),
    )
  }
}

function listRoute(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    server.get(
      '/api/admin/balance-adjustments',
      {
        config: { permission: 'balances:read' },
        schema: {
          summary: 'List adjustments of balances',
          description: 'Newest first. The next page is at `Link: <…>; rel="next"`.',
          tags,
          querystring: z.object({
            state: z.enum(ADJUSTMENT_STATES).optional(),
            user_id: id.optional(),
            limit: z.coerce.number().int().min(1).max(ADJUSTMENTS_PAGE_MAX).default(PAGE_DEFAULT),
            cursor: z.string().optional(),
          }),
          response: {
            200: z.object({
              data: z.array(adjustmentShape),
              has_more: z.boolean(),
              next_cursor: z.string().nullable(),
            }),
          },
        },
      },
      async (request, reply) => {
        const { limit, cursor: given, state, user_id } = request.query
        const before = given === undefined ? undefined : cursor.decode(given).id
        const filter = { state, user_id: user_id === undefined ? undefined : BigInt(user_id) }
        const { adjustments, has_more } = await listAdjustments(app, filter, { before, limit })
        return { data: adjustments.map(adjustmentView), ...cursor.next(request, reply, adjustments, has_more) }
      },
    )
  }
}

function decidingRoute(app: App, verdict: 'approve' | 'refuse'): FastifyPluginAsyncZod {
  const approves = verdict === 'approve'
  return async (server) => {
    server.post(
      `/api/admin/balance-adjustments/:id/${verdict}`,
      {
        config: { permission: 'balances:approve', idempotent: 'the same verdict again answers as before' },
        schema: {
          summary: approves ? 'Approve an adjustment, as the second person' : 'Refuse an adjustment',
          description: approves
            ? 'Moves the money at once. 409 `same_person`, `adjustment_settled`, `insufficient_funds`.'
            : 'No money moves. 409 `adjustment_settled`.',
          tags,
          params: byId,
          body: z.strictObject({ reason: reason.optional() }),
          response: { 200: adjustmentShape },
        },
      },
      async (request) => {
        const input = { id: BigInt(request.params.id), verdict, reason: request.body.reason }
        return adjustmentView(await decideAdjustment(app, editorOf(request), input))
      },
    )
  }
}

function adjustmentView(of: Adjustment): z.output<typeof adjustmentShape> {
  return {
    id: String(of.id),
    user_id: String(of.user_id),
    amount: formatAmount(of.amount, WALLET_SCALE, 2),
    currency: of.asset,
    reason: of.reason,
    state: of.state,
    asked_by: of.asked_by === null ? null : String(of.asked_by),
    asked_at: of.asked_at.toISOString(),
    expires_at: of.expires_at?.toISOString() ?? null,
    decided_by: of.decided_by === null ? null : String(of.decided_by),
    decided_at: of.decided_at?.toISOString() ?? null,
    decision_reason: of.decision_reason,
  }
}
