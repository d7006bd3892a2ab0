import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import { actorOf } from '#server/domains/identity/actor-of.ts'
import type { App } from '#server/platform/app.ts'
import { CSV_RESPONSE, sendCsv } from '#server/platform/http/send-csv.ts'
import { dayRange } from './day-range.ts'
import { EXPORT_ROWS_MAX, type Export, exportFinance } from './export-finance.ts'
import { DAYS_MAX } from './queries.ts'

const ROWS: Readonly<Record<Export, string>> = {
  services: 'a row for each day, service, provider and currency',
  customers: 'a row for each day, customer and currency',
}

/** The sums of finance as files, for spreadsheets. Register it under a scope that `guardRoutes` guards. */
export function financeExportRoutes(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    for (const what of ['services', 'customers'] as const) await server.register(exportRoute(app, what))
  }
}

function exportRoute(app: App, what: Export): FastifyPluginAsyncZod {
  return async (server) => {
    server.get(
      `/api/admin/finance/${what}.csv`,
      {
        config: { permission: 'finance:read' },
        schema: {
          summary: `Export the sums of ${what}`,
          description: `A CSV file, ${ROWS[what]}, earliest first, at most ${EXPORT_ROWS_MAX} rows. 0 stands for none. That it was exported, and by whom, is in the audit.`,
          tags: ['finance'],
          querystring: z.object({
            from: z.iso
              .date()
              .optional()
              .meta({ description: 'The first day, in UTC; 29 days before `to` without it.' }),
            to: z.iso
              .date()
              .optional()
              .meta({ description: `The last day, in UTC; today without it. No more than ${DAYS_MAX} days.` }),
          }),
          response: CSV_RESPONSE,
        },
      },
      async (request, reply) => {
        const range = dayRange(request.query, app.clock.now())
        await app.db.transaction(async (tx) => {
          recordActs(tx, [{ action: 'finance.exported', actor: actorOf(request), after: { what, ...range } }])
        })
        return sendCsv(reply, `${what}.csv`, exportFinance(app, what, range))
      },
    )
  }
}
