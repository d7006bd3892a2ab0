import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { STAFF_AREAS } from '#server/domains/identity/areas/area.ts'
import { editorOf } from '#server/domains/identity/rights/editor.ts'
import { parseAmount } from '#server/kit/money.ts'
import type { App } from '#server/platform/app.ts'
import { keysetCursor } from '#server/platform/http/cursor.ts'
import { WALLET_SCALE } from '../accounts.ts'
import { decideDeposit } from './decide-deposit.ts'
import { DEPOSIT_STATES, type Deposit, REFERENCE_MAX, referenceKey } from './deposit.ts'
import { approval, depositId, refusal, staffDepositShape, staffDepositView } from './deposit-views.ts'
import { CreditTooLargeError, DepositNotFoundError } from './errors.ts'
import { DEPOSITS_PAGE_MAX, findDeposit, listDeposits, namesakesOf } from './queries.ts'

const tags = ['deposits by hand']
const PAGE_DEFAULT = 20

/** Newest first: a page begins below the deposit that ended the one before. */
const cursor = keysetCursor({ id: 'bigint' })

/** What staff see of deposits and decide on them, at the doors of all areas of staff. Register it under a scope that `guardRoutes` guards. */
export function staffDepositRoutes(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    for (const area of STAFF_AREAS) {
      const prefix = `/api/${area}/deposits`
      await server.register(readingRoutes(app), { prefix })
      await server.register(approvingRoute(app), { prefix })
      await server.register(refusingRoute(app), { prefix })
    }
  }
}

const filterQuery = z.object({
  state: z
    .string()
    .transform((text) => text.split(','))
    .pipe(z.array(z.enum(DEPOSIT_STATES)).max(DEPOSIT_STATES.length))
    .optional()
    .meta({
      description: `One or several, joined by commas: ${DEPOSIT_STATES.join(', ')}.`,
      example: 'pending,approved_once',
    }),
  user_id: z
    .string()
    .regex(/^[1-9]\d{0,17}$/, 'must be a number')
    .optional(),
  method: z.string().min(1).max(32).optional(),
  reference: z
    .string()
    .min(1)
    .max(REFERENCE_MAX)
    .optional()
    .meta({ description: 'By letters and digits alone; the whole of it.' }),
  limit: z.coerce.number().int().min(1).max(DEPOSITS_PAGE_MAX).default(PAGE_DEFAULT),
  cursor: z.string().optional().meta({ description: 'From `next_cursor` or the Link header of the page before.' }),
})

function readingRoutes(app: App): FastifyPluginAsyncZod {
  const config = { permission: 'deposits:read' }
  return async (server) => {
    server.get(
      '',
      {
        config,
        schema: {
          summary: 'List deposits by hand',
          description: 'Newest first. `same_reference` warns of others that name the same payment.',
          tags,
          querystring: filterQuery,
          response: {
            200: z.object({
              data: z.array(staffDepositShape),
              has_more: z.boolean(),
              next_cursor: z.string().nullable(),
            }),
          },
        },
      },
      async (request, reply) => {
        const { limit, cursor: given } = request.query
        const before = given === undefined ? undefined : cursor.decode(given).id
        const { deposits, has_more } = await listDeposits(app, filterOf(request.query), { before, limit })
        const namesakes = await namesakesOf(app, deposits)
        const data = deposits.map((each) => staffDepositView(each, namesakes(each)))
        return { data, ...cursor.next(request, reply, deposits, has_more) }
      },
    )

    server.get(
      '/:id',
      {
        config,
        schema: { summary: 'One deposit by hand', tags, params: depositId, response: { 200: staffDepositShape } },
      },
      async (request) => {
        const deposit = await findDeposit(app, BigInt(request.params.id))
        if (!deposit) throw new DepositNotFoundError()
        return viewOf(app, deposit)
      },
    )
  }
}

function filterOf({ state, user_id, method, reference }: z.output<typeof filterQuery>) {
  return {
    states: state,
    user_id: user_id === undefined ? undefined : BigInt(user_id),
    method,
    reference_key: reference === undefined ? undefined : referenceKey(reference),
  }
}

async function viewOf(app: App, deposit: Deposit) {
  return staffDepositView(deposit, (await namesakesOf(app, [deposit]))(deposit))
}

const deciding = { permission: 'deposits:decide', idempotent: 'the same verdict again answers as before' }

function approvingRoute(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    server.post(
      '/:id/approve',
      {
        config: deciding,
        schema: {
          summary: 'Approve a deposit',
          description:
            'Credits it at once, or leaves it `approved_once` for a second person, where what you approve alone within 24 hours exceeds `deposits.second_person_above`. 409 `deposit_settled`, `own_account`, `approved_amount_differs`, `reference_credited`; 422 `reason_required`, `amount_refused`.',
          tags,
          params: depositId,
          body: approval,
          response: { 200: staffDepositShape },
        },
      },
      async (request) => {
        const { amount: given, reason } = request.body
        const amount = given === undefined ? undefined : parseAmount(given, WALLET_SCALE)
        if (given !== undefined && amount === undefined) throw new CreditTooLargeError()
        const input = { id: BigInt(request.params.id), verdict: 'approve', amount, reason } as const
        return viewOf(app, await decideDeposit(app, editorOf(request), input))
      },
    )
  }
}

function refusingRoute(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    server.post(
      '/:id/refuse',
      {
        config: deciding,
        schema: {
          summary: 'Refuse a deposit',
          description: 'No money moves. 409 `deposit_settled`, `own_account`.',
          tags,
          params: depositId,
          body: refusal,
          response: { 200: staffDepositShape },
        },
      },
      async (request) => {
        const input = { id: BigInt(request.params.id), verdict: 'refuse', reason: request.body.reason } as const
        return viewOf(app, await decideDeposit(app, editorOf(request), input))
      },
    )
  }
}
