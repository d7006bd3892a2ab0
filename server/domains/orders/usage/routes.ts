import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import { actorOf } from '#server/domains/identity/actor-of.ts'
import { UserNotFoundError } from '#server/domains/identity/errors.ts'
import { principalOf } from '#server/domains/identity/guard-routes.ts'
import { can } from '#server/domains/identity/principal.ts'
import { userById } from '#server/domains/identity/queries.ts'
import type { App } from '#server/platform/app.ts'
import { CSV_RESPONSE, sendCsv } from '#server/platform/http/send-csv.ts'
import { dayRange } from '../finance/day-range.ts'
import { exportUsage } from './export-usage.ts'
import { assertOwned, USAGE_DAYS_MAX } from './queries.ts'
import { readUsage, USAGE_ROWS_MAX } from './read-usage.ts'
import { usageQuery, usageShape, usageView } from './usage-views.ts'

const COUNTED =
  'Orders and amounts are from the ledger and exact; requests and refused orders are counted by the way, kept for a quarter of a year, and may miss some seconds where a server was stopped.'

const userId = z.object({ id: z.string().regex(/^[1-9]\d{0,17}$/) })

/** What API keys were used for, by day: for their owner, and for staff. Register it under a scope that `guardRoutes` guards. */
export function usageRoutes(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    await server.register(ownUsageRoutes(app))
    await server.register(staffUsageRoutes(app))
  }
}

function ownUsageRoutes(app: App): FastifyPluginAsyncZod {
  const config = { permission: 'orders:read:own' }
  return async (server) => {
    server.get(
      '/api/v1/usage',
      {
        config,
        schema: {
          summary: 'What my API keys were used for',
          description: `A row for each key and day with anything to tell, at most ${USAGE_ROWS_MAX}; the sums of each key and of all; and the balance. ${COUNTED}`,
          tags: ['orders'],
          querystring: usageQuery,
          response: { 200: usageShape },
        },
      },
      async (request) => {
        const principal = principalOf(request)
        const { range, key_id } = askedOf(app, request.query)
        const usage = await readUsage(app, principal.user_id, range, key_id)
        const with_balance = can(principal, 'balance:read:own')
        return usageView(range, usage, { named: principal.via === 'session', with_balance })
      },
    )

    server.get(
      '/api/v1/usage.csv',
      {
        config,
        schema: {
          summary: 'What my API keys were used for, as a file',
          description: `A CSV file, a row for each day and key, earliest first. ${COUNTED}`,
          tags: ['orders'],
          querystring: usageQuery,
          response: CSV_RESPONSE,
        },
      },
      async (request, reply) => {
        const { user_id, via } = principalOf(request)
        const { range, key_id } = askedOf(app, request.query)
        if (key_id !== undefined) await assertOwned(app, user_id, key_id)
        return sendCsv(reply, 'usage.csv', exportUsage(app, user_id, range, { key_id, named: via === 'session' }))
      },
    )
  }
}

function staffUsageRoutes(app: App): FastifyPluginAsyncZod {
  const config = { permission: 'finance:read' }
  return async (server) => {
    server.get(
      '/api/admin/users/:id/usage',
      {
        config,
        schema: {
          summary: 'What a customer’s API keys were used for',
          description: `As the customer sees it. ${COUNTED}`,
          tags: ['staff'],
          params: userId,
          querystring: usageQuery,
          response: { 200: usageShape },
        },
      },
      async (request) => {
        const customer_id = await customerOf(app, request.params.id)
        const { range, key_id } = askedOf(app, request.query)
        const usage = await readUsage(app, customer_id, range, key_id)
        return usageView(range, usage, { named: true, with_balance: true })
      },
    )

    server.get(
      '/api/admin/users/:id/usage.csv',
      {
        config,
        schema: {
          summary: 'What a customer’s API keys were used for, as a file',
          description: 'As the customer’s own file. That it was exported, and by whom, is in the audit.',
          tags: ['staff'],
          params: userId,
          querystring: usageQuery,
          response: CSV_RESPONSE,
        },
      },
      async (request, reply) => {
        const customer_id = await customerOf(app, request.params.id)
        const { range, key_id } = askedOf(app, request.query)
        if (key_id !== undefined) await assertOwned(app, customer_id, key_id)
        await app.db.transaction(async (tx) => {
          const subject = { kind: 'user', id: customer_id }
          recordActs(tx, [{ action: 'usage.exported', actor: actorOf(request), subject, after: { ...range } }])
        })
        return sendCsv(reply, 'usage.csv', exportUsage(app, customer_id, range, { key_id, named: true }))
      },
    )
  }
}

function askedOf(app: Pick<App, 'clock'>, { key_id, ...days }: z.output<typeof usageQuery>) {
  const range = dayRange(days, app.clock.now(), USAGE_DAYS_MAX)
  return { range, key_id: key_id === undefined ? undefined : BigInt(key_id) }
}

async function customerOf(app: Pick<App, 'db'>, text: string): Promise<bigint> {
  const id = BigInt(text)
  if (!(await userById(app, id))) throw new UserNotFoundError()
  return id
}
