import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { principalOf } from '#server/domains/identity/guard-routes.ts'
import type { App } from '#server/platform/app.ts'
import { CSV_RESPONSE, sendCsv } from '#server/platform/http/send-csv.ts'
import { exportOwnOrders, OWN_ROWS_MAX } from './export-own-orders.ts'
import { statusWord } from './order-views.ts'

/** A customer's own orders as a file. Register it under a scope that `guardRoutes` guards. */
export function orderExportRoutes(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    server.get(
      '/api/v1/orders.csv',
      {
        config: { permission: 'orders:read:own' },
        schema: {
          summary: 'My orders as a file',
          description: `A CSV file for spreadsheets, newest first, at most ${OWN_ROWS_MAX} rows. Texts that a spreadsheet would run as a formula begin with an apostrophe.`,
          tags: ['orders'],
          querystring: z.object({ status: statusWord.optional() }),
          response: CSV_RESPONSE,
        },
      },
      async (request, reply) => {
        const { user_id } = principalOf(request)
        return sendCsv(reply, 'orders.csv', exportOwnOrders(app, user_id, request.query.status))
      },
    )
  }
}
