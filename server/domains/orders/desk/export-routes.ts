import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import { actorOf } from '#server/domains/identity/actor-of.ts'
import { STAFF_AREAS } from '#server/domains/identity/areas/area.ts'
import type { App } from '#server/platform/app.ts'
import { CSV_RESPONSE, sendCsv } from '#server/platform/http/send-csv.ts'
import { EXPORT_ROWS_MAX, exportOrders } from './export-orders.ts'
import { filterOf, filterQuery } from './filter-fields.ts'

/** The orders of all customers as a file, at the doors of all areas of staff. Register it under a scope that `guardRoutes` guards. */
export function deskExportRoutes(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    for (const area of STAFF_AREAS) await server.register(exportRoute(app, `/api/${area}/orders.csv`))
  }
}

function exportRoute(app: App, path: string): FastifyPluginAsyncZod {
  return async (server) => {
    server.get(
      path,
      {
        config: { permission: 'orders:read' },
        schema: {
          summary: 'Export orders',
          description: `A CSV file of the orders that pass the filter, newest first, at most ${EXPORT_ROWS_MAX} rows. That it was exported, and by whom, is in the audit. Texts that a spreadsheet would run as a formula begin with an apostrophe.`,
          tags: ['order desk'],
          querystring: filterQuery,
          response: CSV_RESPONSE,
        },
      },
      async (request, reply) => {
        const filter = filterOf(request.query)
        await app.db.transaction(async (tx) => {
          recordActs(tx, [{ action: 'orders.exported', actor: actorOf(request), after: { ...filter } }])
        })
        return sendCsv(reply, 'orders.csv', exportOrders(app, filter))
      },
    )
  }
}
