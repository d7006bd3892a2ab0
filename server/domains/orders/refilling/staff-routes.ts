import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { ServiceNotFoundError } from '#server/domains/catalog/errors.ts'
import { selectService } from '#server/domains/catalog/queries.ts'
import { actorOf } from '#server/domains/identity/actor-of.ts'
import { STAFF_AREAS } from '#server/domains/identity/areas/area.ts'
import { present } from '#server/kit/invariant.ts'
import type { App } from '#server/platform/app.ts'
import { keysetCursor } from '#server/platform/http/cursor.ts'
import { idText } from '#server/platform/http/id-text.ts'
import { parseId } from '../order-id.ts'
import { OrderNotFoundError } from '../problems.ts'
import { decideRefill } from './decide-refill.ts'
import { decisionRefused, RefillNotFoundError, refillRefused } from './errors.ts'
import { listRefills, REFILLS_PAGE_MAX, type RefillRule, refillRuleOf } from './queries.ts'
import { REFILL_STATES } from './refill.ts'
import { refillOrders } from './refill-orders.ts'
import { deskRefillShape, deskRefillView } from './refill-views.ts'
import { setRefillRule } from './set-refill-rule.ts'

const tags = ['order desk']
const PAGE_DEFAULT = 20

/** Newest first: a page begins below the refill that ended the one before. */
const cursor = keysetCursor({ id: 'bigint' })

const reason = z.string().trim().min(1).max(500)
const number = idText().transform(BigInt)

/** Refills at the desk, in all areas of staff, and the rules of services. Register it under a scope that `guardRoutes` guards. */
export function staffRefillRoutes(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    for (const area of STAFF_AREAS) {
      await server.register(listRoute(app), { prefix: `/api/${area}` })
      await server.register(actingRoutes(app), { prefix: `/api/${area}` })
    }
    await server.register(ruleRoutes(app))
  }
}

const listQuery = z.object({
  state: z
    .string()
    .transform((text) => text.split(','))
    .pipe(z.array(z.enum(REFILL_STATES)).max(REFILL_STATES.length))
    .optional()
    .meta({ description: `One or several, joined by commas: ${REFILL_STATES.join(', ')}.`, example: 'asked,unknown' }),
  customer: number.optional(),
  order: number.optional(),
  provider: number.optional(),
  manual: z.enum(['true', 'false']).optional().meta({ description: 'Whether staff see to it.' }),
  waiting: z.enum(['true', 'false']).optional().meta({ description: 'Whether it waits for a person.' }),
  limit: z.coerce.number().int().min(1).max(REFILLS_PAGE_MAX).default(PAGE_DEFAULT),
  cursor: z.string().optional().meta({ description: 'From `next_cursor` or the Link header of the page before.' }),
})

function listRoute(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    server.get(
      '/refills',
      {
        config: { permission: 'orders:read' },
        schema: {
          summary: 'List all refills',
          description:
            'Newest first, as staff see them. For a person wait those that are `manual`, those that are `unknown`, and those that their provider does not know any more.',
          tags,
          querystring: listQuery,
          response: {
            200: z.object({
              data: z.array(deskRefillShape),
              has_more: z.boolean(),
              next_cursor: z.string().nullable(),
            }),
          },
        },
      },
      async (request, reply) => {
        const { state, customer, order, provider, manual, waiting, limit, cursor: given } = request.query
        const filter = {
          states: state,
          customer_id: customer,
          order_id: order,
          provider_id: provider,
          manual: manual && manual === 'true',
          waiting: waiting && waiting === 'true',
        }
        const before = given === undefined ? undefined : cursor.decode(given).id
        const { refills, has_more } = await listRefills(app.db, filter, { before, limit })
        return { data: refills.map(deskRefillView), ...cursor.next(request, reply, refills, has_more) }
      },
    )
  }
}

const decision = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('complete'), reason }),
  z.strictObject({ kind: z.literal('reject'), reason }),
  z.strictObject({ kind: z.literal('placed'), provider_refill_id: z.string().trim().min(1).max(100), reason }),
])

function actingRoutes(app: App): FastifyPluginAsyncZod {
  const permission = 'orders:refill'
  return async (server) => {
    server.post(
      '/orders/:id/refill',
      {
        config: { permission, idempotent: 'An order has one refill under way: whoever asks again is told so.' },
        schema: {
          summary: 'Ask for a refill of a customer’s order',
          description:
            'At any time after its end. 409 `refill_not_available`, `order_not_delivered`, `refill_under_way`, `refill_limit_reached`.',
          tags,
          params: z.object({ id: z.string().meta({ example: '23501' }) }),
          response: { 201: deskRefillShape },
        },
      },
      async (request, reply) => {
        const order_id = parseId(request.params.id)
        if (order_id === undefined) throw new OrderNotFoundError()
        const [found] = await refillOrders(app, [order_id], { staff: actorOf(request) })
        const outcome = present(found, 'an outcome for each order')
        if (!outcome.ok) throw refillRefused(outcome)
        return reply.code(201).send(deskRefillView(outcome.refill))
      },
    )

    server.post(
      '/refills/:id/decide',
      {
        config: { permission, idempotent: 'Of two who decide, the second is told that the refill has ended.' },
        schema: {
          summary: 'Say what became of a refill',
          description:
            '`complete`, `reject`, or `placed` where one that is `unknown`, or that its provider did not know any more, turned out to be there under its number. What the provider tells later changes nothing. 409 `refill_ended`, `refill_being_sent`, `refill_not_unknown`, or `refill_number_taken` where that number is another refill’s.',
          tags,
          params: z.object({ id: z.string().meta({ example: '7' }) }),
          body: decision,
          response: { 200: deskRefillShape },
        },
      },
      async (request) => {
        const id = parseId(request.params.id)
        if (id === undefined) throw new RefillNotFoundError()
        const outcome = await decideRefill(app, id, request.body, actorOf(request))
        if (!outcome.ok) throw decisionRefused(outcome)
        return deskRefillView(outcome.refill)
      },
    )
  }
}

const ruleShape = z.object({
  days: z
    .number()
    .int()
    .nullable()
    .meta({ description: 'Counted from an order’s end; 0 and below: for ever. Null: the house’s.' }),
  wait_hours: z
    .number()
    .int()
    .nullable()
    .meta({ description: 'The earliest, counted from an order’s end. Null: the house’s.' }),
  manual: z.boolean().meta({ description: 'Staff see to refills, whether or not the provider knows any.' }),
})

const ruleBody = z.strictObject({
  days: z.int().min(-1).max(3_650).nullable(),
  wait_hours: z.int().min(0).max(720).nullable(),
  manual: z.boolean(),
  reason,
})

const HOUSE: RefillRule = { days: null, wait_hours: null, manual: false }

function ruleRoutes(app: App): FastifyPluginAsyncZod {
  const path = '/api/admin/services/:id/refill-rule'
  const params = z.object({ id: number })
  return async (server) => {
    server.get(
      path,
      {
        config: { permission: 'orders:read' },
        schema: { summary: 'How refills of a service go', tags: ['staff'], params, response: { 200: ruleShape } },
      },
      async (request) => {
        const { id } = request.params
        if (!(await selectService(app.db, id))) throw new ServiceNotFoundError(id)
        return (await refillRuleOf(app.db, id)) ?? HOUSE
      },
    )

    server.put(
      path,
      {
        config: { permission: 'refills:edit' },
        schema: {
          summary: 'Set how refills of a service go',
          description: 'From now on; those under way go on as they began. 404 `service_not_found`.',
          tags: ['staff'],
          params,
          body: ruleBody,
          response: { 200: ruleShape },
        },
      },
      async (request) => {
        const { reason: why, ...rule } = request.body
        await setRefillRule(app, request.params.id, rule, { actor: actorOf(request), reason: why })
        return rule
      },
    )
  }
}
