import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import { ACTS_PAGE_MAX, type ActCursor, type ActFilter, searchActs } from '#server/domains/audit/search-acts.ts'
import { actorOf } from '#server/domains/identity/actor-of.ts'
import type { App } from '#server/platform/app.ts'
import { CSV_START, csvLine } from '#server/platform/http/csv.ts'
import { keysetCursor } from '#server/platform/http/cursor.ts'
import { CSV_RESPONSE, sendCsv } from '#server/platform/http/send-csv.ts'
import { actFilter, actQuery } from './act-query.ts'
import { actCells, actShape, actView, CSV_HEADER } from './act-views.ts'

const permission = 'audit:read'
const tags = ['audit']

const PAGE_DEFAULT = 50
const PAGE_MAX = 200

/** What a spreadsheet takes. Who wants more narrows the time and exports in parts. */
const EXPORT_MAX = 1_000_000

/** Newest first: a page begins behind the act that ended the one before. */
const cursor = keysetCursor({ at: 'timestamp', id: 'bigint' })

const page = z.object({
  limit: z.coerce.number().int().min(1).max(PAGE_MAX).default(PAGE_DEFAULT),
  cursor: z.string().optional().meta({ description: 'From `next_cursor` or the Link header of the page before.' }),
})

/** Looking back on who did what, for staff. Register it under a scope that `guardRoutes` guards. */
export function auditRoutes(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    server.get(
      '/api/admin/audit',
      {
        config: { permission },
        schema: {
          summary: 'Search the audit',
          description:
            'Newest first; all conditions must hold. The next page is at `Link: <…>; rel="next"`. Rows are never changed, and `saldo verify` proves it.',
          tags,
          querystring: actQuery.extend(page.shape),
          response: {
            200: z.object({ data: z.array(actShape), has_more: z.boolean(), next_cursor: z.string().nullable() }),
          },
        },
      },
      async (request, reply) => {
        const { limit, cursor: given, ...query } = request.query
        const after = given === undefined ? undefined : cursor.decode(given)
        const { acts, has_more } = await searchActs(app.db, actFilter(query), { limit, ...(after && { after }) })
        return { data: acts.map(actView), ...cursor.next(request, reply, acts, has_more) }
      },
    )

    server.get(
      '/api/admin/audit.csv',
      {
        config: { permission },
        schema: {
          summary: 'Export the audit',
          description: `The same search as a CSV file, at most ${EXPORT_MAX} rows, newest first. That it was exported, and by whom, is in the audit too. Texts that a spreadsheet would run as a formula begin with an apostrophe.`,
          tags,
          querystring: actQuery,
          response: CSV_RESPONSE,
        },
      },
      async (request, reply) => {
        const filter = actFilter(request.query)
        const after = { ...request.query }
        await app.db.transaction(async (tx) => {
          recordActs(tx, [{ action: 'audit.exported', actor: actorOf(request), after }])
        })
        return sendCsv(reply, 'audit.csv', csvOf(app, filter))
      },
    )
  }
}

/** Page by page, as the reader takes them: no transaction is held open for a slow one. */
async function* csvOf(app: App, filter: ActFilter): AsyncGenerator<string> {
  yield CSV_START + csvLine(CSV_HEADER)
  let after: ActCursor | undefined
  for (let sent = 0; sent < EXPORT_MAX; sent += ACTS_PAGE_MAX) {
    const { acts, has_more } = await searchActs(app.db, filter, { limit: ACTS_PAGE_MAX, ...(after && { after }) })
    if (acts.length > 0) yield acts.map((act) => csvLine(actCells(act))).join('')
    if (!has_more) return
    after = acts.at(-1)
  }
}
