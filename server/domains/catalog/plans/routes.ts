import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { actorOf } from '#server/domains/identity/actor-of.ts'
import { UserNotFoundError } from '#server/domains/identity/errors.ts'
import type { App } from '#server/platform/app.ts'
import { int8Array } from '#server/platform/db/arrays.ts'
import { idText } from '#server/platform/http/id-text.ts'
import { assignPlan } from './assign-plan.ts'
import { PlanNotFoundError } from './errors.ts'
import {
  planBody,
  planDetailShape,
  planDetailView,
  planShape,
  planView,
  previewShape,
  previewView,
  readPlan,
} from './plan-views.ts'
import { previewPlan } from './preview-plan.ts'
import type { PricePlan } from './price-plan.ts'
import {
  countPlanCustomers,
  PLANS_MAX,
  selectCountedPlans,
  selectPlan,
  selectPlanChanges,
  selectPlanRoles,
  selectPlansOf,
} from './queries.ts'
import { removePlan, storePlan } from './store-plan.ts'

const tags = ['prices']
const REASON_MAX = 500
const HISTORY_SHOWN = 50

const number = idText()
const params = z.object({ id: number })
const reason = z
  .string()
  .trim()
  .min(1)
  .max(REASON_MAX)
  .meta({ description: 'Why; kept for ever.', example: 'Contract of May.' })
const assignment = z.strictObject({
  plan_id: number.nullable().meta({ description: 'Null: none.', example: '3' }),
  reason,
})
const assigned = z.object({
  plan_id: z.string().nullable().meta({ description: 'Null: the list.', example: '3' }),
  by: z.enum(['customer', 'role']).nullable().meta({ description: 'Whether it is their own, or their role’s.' }),
})

/** Price plans and who has them, for staff. Register it under a scope that `guardRoutes` guards. */
export function pricePlanRoutes(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    await server.register(readingRoutes(app))
    await server.register(changingRoutes(app))
    await server.register(assigningRoutes(app))
  }
}

function readingRoutes(app: App): FastifyPluginAsyncZod {
  const config = { permission: 'prices:read' }
  return async (server) => {
    server.get(
      '/api/admin/price-plans',
      {
        config,
        schema: {
          summary: 'List the price plans',
          description: `A customer has at most one, their own or their role’s; all others pay the list. There are ${PLANS_MAX} at most.`,
          tags,
          response: { 200: z.object({ data: z.array(planShape) }) },
        },
      },
      async () => {
        const [plans, holders] = await Promise.all([selectCountedPlans(app.db), holdersOf(app)])
        return { data: plans.map((plan) => planView(plan, holders.customers(plan.id), holders.roles(plan.id))) }
      },
    )

    server.get(
      '/api/admin/price-plans/:id',
      {
        config,
        schema: {
          summary: 'A price plan with its terms and its history',
          description: '404 `price_plan_not_found`.',
          tags,
          params,
          response: { 200: planDetailShape },
        },
      },
      async (request) => {
        const plan = await selectPlan(app.db, BigInt(request.params.id))
        if (!plan) throw new PlanNotFoundError()
        return detailOf(app, plan)
      },
    )

    server.post(
      '/api/admin/price-plans/preview',
      {
        config: { ...config, idempotent: 'It looks, and changes nothing.' },
        schema: {
          summary: 'See what a price plan would make of the list',
          description: 'By the rule by which orders would be charged.',
          tags,
          body: planBody.omit({ name: true }).strict(),
          response: { 200: previewShape },
        },
      },
      async (request) => previewView(await previewPlan(app, readPlan({ ...request.body, name: 'preview' }))),
    )
  }
}

function changingRoutes(app: App): FastifyPluginAsyncZod {
  const config = { permission: 'prices:edit' }
  return async (server) => {
    server.post(
      '/api/admin/price-plans',
      {
        config: { ...config, idempotent: 'Its name is given once: repeated it is refused.' },
        schema: {
          summary: 'Make a price plan',
          description: '404 `service_not_found`; 409 `price_plan_name_taken`, `too_many_price_plans`.',
          tags,
          body: planBody.extend({ reason }).strict(),
          response: { 201: planDetailShape },
        },
      },
      async (request, reply) => {
        const { reason, ...plan } = request.body
        const stored = await storePlan(app, { terms: readPlan(plan), by: actorOf(request), reason })
        return reply.code(201).send(await detailOf(app, stored))
      },
    )

    server.put(
      '/api/admin/price-plans/:id',
      {
        config,
        schema: {
          summary: 'Change a price plan',
          description:
            'Whole, as it is to stand; those who have it pay by it from their next order on. 404 `price_plan_not_found`, `service_not_found`; 409 `price_plan_changed` where it is not at `version` any more, `price_plan_name_taken`.',
          tags,
          params,
          body: planBody.extend({ version: number, reason }).strict(),
          response: { 200: planDetailShape },
        },
      },
      async (request) => {
        const { reason, version, ...terms } = request.body
        const plan = { id: BigInt(request.params.id), version: BigInt(version) }
        return detailOf(app, await storePlan(app, { plan, terms: readPlan(terms), by: actorOf(request), reason }))
      },
    )

    server.delete(
      '/api/admin/price-plans/:id',
      {
        config,
        schema: {
          summary: 'Remove a price plan that nobody has',
          description: '404 `price_plan_not_found`; 409 `price_plan_in_use`.',
          tags,
          params,
          querystring: z.object({ reason }),
          response: { 204: z.null() },
        },
      },
      async (request, reply) => {
        const plan_id = BigInt(request.params.id)
        await removePlan(app, { plan_id, by: actorOf(request), reason: request.query.reason })
        return reply.code(204).send(null)
      },
    )
  }
}

function assigningRoutes(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    server.get(
      '/api/admin/users/:id/price-plan',
      {
        config: { permission: 'prices:read' },
        schema: { summary: 'Which price plan a customer has', tags, params, response: { 200: assigned } },
      },
      (request) => planOf(app, BigInt(request.params.id)),
    )

    server.put(
      '/api/admin/users/:id/price-plan',
      {
        config: { permission: 'prices:edit' },
        schema: {
          summary: 'Give a customer a price plan, or none of their own',
          description: 'From their next order on. 404 `user_not_found`, `price_plan_not_found`.',
          tags,
          params,
          body: assignment,
          response: { 200: assigned },
        },
      },
      async (request) => {
        const customer_id = BigInt(request.params.id)
        const { plan_id, reason } = request.body
        await assignPlan(app, { to: { customer_id }, plan_id: planId(plan_id), by: actorOf(request), reason })
        return planOf(app, customer_id)
      },
    )

    server.put(
      '/api/admin/roles/:role/price-plan',
      {
        config: { permission: 'prices:edit' },
        schema: {
          summary: 'Give the people of a role a price plan, or none',
          description: 'Those who have their own keep it. 404 `role_not_found`, `price_plan_not_found`.',
          tags,
          params: z.object({ role: z.string().min(1).max(60) }),
          body: assignment,
          response: { 200: z.object({ plan_id: z.string().nullable() }) },
        },
      },
      async (request) => {
        const { plan_id, reason } = request.body
        const to = { role: request.params.role }
        await assignPlan(app, { to, plan_id: planId(plan_id), by: actorOf(request), reason })
        return { plan_id }
      },
    )
  }
}

function planId(text: string | null): bigint | null {
  return text === null ? null : BigInt(text)
}

async function planOf(app: App, customer_id: bigint): Promise<z.output<typeof assigned>> {
  const [row] = await selectPlansOf(app.db, int8Array([customer_id]))
  if (!row) throw new UserNotFoundError()
  const { own_plan_id, role_plan_id } = row
  if (own_plan_id !== null) return { plan_id: String(own_plan_id), by: 'customer' }
  return role_plan_id === null ? { plan_id: null, by: null } : { plan_id: String(role_plan_id), by: 'role' }
}

async function detailOf(app: App, plan: PricePlan): Promise<z.output<typeof planDetailShape>> {
  const [holders, changes] = await Promise.all([holdersOf(app), selectPlanChanges(app.db, plan.id, HISTORY_SHOWN)])
  return planDetailView(plan, { customers: holders.customers(plan.id), roles: holders.roles(plan.id), changes })
}

async function holdersOf(app: App) {
  const [counts, roles] = await Promise.all([countPlanCustomers(app.db), selectPlanRoles(app.db)])
  return {
    customers: (id: bigint) => counts.get(id) ?? 0,
    roles: (id: bigint) => roles.filter(({ plan_id }) => plan_id === id).map(({ role }) => role),
  }
}
