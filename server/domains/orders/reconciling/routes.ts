import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { STAFF_AREAS } from '#server/domains/identity/areas/area.ts'
import type { App } from '#server/platform/app.ts'
import { keysetCursor } from '#server/platform/http/cursor.ts'
import { idText } from '#server/platform/http/id-text.ts'
import { DESK_PAGE_MAX, findDeskOrder } from '../desk/list-orders.ts'
import { resolutionRefused } from '../desk/problems.ts'
import { readDeskDetail } from '../desk/read-desk-detail.ts'
import { amountText } from '../limits/customer-limit.ts'
import { parseId } from '../order-id.ts'
import { OrderNotFoundError } from '../problems.ts'
import {
  caseDetailShape,
  caseDetailView,
  listedCaseShape,
  listedCaseView,
  waitingShape,
  waitingView,
} from './case-views.ts'
import { listCases, sumCases, withCases } from './list-cases.ts'
import { lookAgain } from './look-again.ts'
import { readSurroundings } from './read-surroundings.ts'
import { FINDINGS } from './unknown-case.ts'

const tags = ['order desk']
const PAGE_DEFAULT = 20

/** Ten years: nothing waits for longer. */
const HOURS_MAX = 87_600

/** Oldest first: a page begins above the order that ended the one before. */
const cursor = keysetCursor({ id: 'bigint' })

const number = idText().transform(BigInt)

const listQuery = z.object({
  provider: number.optional(),
  service: number.optional(),
  customer: number.optional(),
  waiting_hours_min: z.coerce
    .number()
    .min(0)
    .max(HOURS_MAX)
    .optional()
    .meta({ description: 'Only those that wait for at least so long.', example: 12 }),
  charge_min: amountText
    .optional()
    .meta({ description: 'Only those that cost their customer at least this.', example: '5.00' }),
  charge_max: amountText
    .optional()
    .meta({ description: 'Only those that cost their customer at most this.', example: '100.00' }),
  finding: z.enum(FINDINGS).optional().meta({ description: 'Only those of which the last look found this.' }),
  limit: z.coerce.number().int().min(1).max(DESK_PAGE_MAX).default(PAGE_DEFAULT),
  cursor: z.string().optional().meta({ description: 'From `next_cursor` or the Link header of the page before.' }),
})

/** The reconciliation desk, at the doors of all areas of staff: orders of unknown fate and the evidence about each. Register it under a scope that `guardRoutes` guards. */
export function reconciliationRoutes(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    for (const area of STAFF_AREAS) {
      const prefix = `/api/${area}/reconciliation`
      await server.register(listRoute(app), { prefix })
      await server.register(caseRoutes(app), { prefix })
    }
  }
}

function listRoute(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    server.get(
      '',
      {
        config: { permission: 'orders:read' },
        schema: {
          summary: 'List orders of unknown fate',
          description:
            'Those placed first foremost, with what the house found out about each; `waiting` sums all that pass the filter.',
          tags,
          querystring: listQuery,
          response: {
            200: z.object({
              data: z.array(listedCaseShape),
              waiting: waitingShape,
              has_more: z.boolean(),
              next_cursor: z.string().nullable(),
            }),
          },
        },
      },
      async (request, reply) => {
        const { limit, cursor: given } = request.query
        const filter = filterOf(request.query, app.clock.now())
        const after = given === undefined ? undefined : cursor.decode(given).id
        const [{ cases, has_more }, sums] = await Promise.all([
          listCases(app, filter, { after, limit }),
          sumCases(app, filter),
        ])
        const orders = cases.map(({ order }) => order)
        return {
          data: cases.map(listedCaseView),
          waiting: waitingView(sums),
          ...cursor.next(request, reply, orders, has_more),
        }
      },
    )
  }
}

function filterOf({ provider, service, customer, waiting_hours_min, ...same }: z.output<typeof listQuery>, now: Date) {
  const { charge_min, charge_max, finding } = same
  return {
    provider_id: provider,
    service_id: service,
    customer_id: customer,
    waiting_before:
      waiting_hours_min === undefined ? undefined : new Date(now.getTime() - waiting_hours_min * 3_600_000),
    ...{ charge_min, charge_max, finding },
  }
}

function caseRoutes(app: App): FastifyPluginAsyncZod {
  const params = z.object({ id: z.string().meta({ example: '23501' }) })
  const inQuestion = async (text: string) => {
    const id = parseId(text)
    const order = id && (await findDeskOrder(app, id))
    if (!order) throw new OrderNotFoundError()
    if (order.state === 'unknown') return order
    throw resolutionRefused({ ok: false, code: 'order_not_waiting', message: `Order ${order.id} is ${order.state}.` })
  }
  return async (server) => {
    server.get(
      '/:id',
      {
        config: { permission: 'orders:read' },
        schema: {
          summary: 'The evidence about an order of unknown fate',
          description: 'With the choices and what speaks for each. 409 `order_not_waiting` where its fate is known.',
          tags,
          params,
          response: { 200: caseDetailShape },
        },
      },
      async (request) => {
        const order = await inQuestion(request.params.id)
        const [[listed], detail] = await Promise.all([withCases(app, [order]), readDeskDetail(app, order)])
        const key = listed?.unknown?.attempt.key
        const around = key === undefined ? undefined : (await readSurroundings(app.db, [key])).get(key)
        return caseDetailView(order, detail, listed?.unknown, around)
      },
    )

    server.post(
      '/:id/look',
      {
        config: {
          permission: 'orders:resolve',
          idempotent: 'It is looked at as soon as a worker comes to it, however often that was asked for.',
        },
        schema: {
          summary: 'Have an order of unknown fate looked at now',
          description:
            'The provider’s list is read again within seconds, and our balance where it was not read yet; what is proven closes the order. 409 `order_not_waiting` where its fate is known.',
          tags,
          params,
          response: { 202: z.object({ id: z.string().meta({ example: '23501' }) }) },
        },
      },
      async (request, reply) => {
        const order = await inQuestion(request.params.id)
        await lookAgain(app, order.id)
        return reply.code(202).send({ id: String(order.id) })
      },
    )
  }
}
