import { Readable } from 'node:stream'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { principalOf } from '#server/domains/identity/guard-routes.ts'
import type { App } from '#server/platform/app.ts'
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
          response: { 200: z.string().meta({ description: 'text/csv; charset=utf-8' }) },
        },
      },
      async (request, reply) => {
        reply.header('content-type', 'text/csv; charset=utf-8')
        reply.header('content-disposition', 'attachment; filename="orders.csv"')
        const { user_id } = principalOf(request)
        // The stream's end is not the handler's, so no schema is applied to it.
        return reply.send(Readable.from(exportOwnOrders(app, user_id, request.query.status)) as never)
      },
    )
  }
}
