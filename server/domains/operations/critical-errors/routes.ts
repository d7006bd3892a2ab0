import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { actorOf } from '#server/domains/identity/actor-of.ts'
import type { App } from '#server/platform/app.ts'
import {
  FAILURES_PAGE_MAX,
  type FailureFilter,
  findFailure,
  listFailures,
  type RememberedFailure,
} from '#server/platform/failures/queries.ts'
import { keysetCursor } from '#server/platform/http/cursor.ts'
import { CriticalErrorNotFoundError } from './errors.ts'
import { resolveError } from './resolve-error.ts'

const permission = 'errors:read'
const tags = ['errors']

const PAGE_DEFAULT = 20

/** The last to occur first: a page begins behind the error that ended the one before. */
const cursor = keysetCursor({ last_at: 'timestamp', id: 'bigint' })

const moment = z.iso.datetime({ offset: true })

const errorShape = z.object({
  id: z.string().meta({ example: '12' }),
  kind: z
    .string()
    .meta({ description: 'Where it was met: request, job, event, loop, chore or process.', example: 'request' }),
  name: z
    .string()
    .meta({ description: 'The last route, job or event in which it occurred.', example: 'GET /api/v1/orders' }),
  error: z.string().meta({ example: 'TypeError' }),
  place: z.string().meta({ example: 'listOrders server/domains/orders/queries.ts' }),
  message: z.string().meta({ description: 'Of the last occurrence; secrets are masked.' }),
  occurrences: z.string().meta({ example: '3' }),
  first_at: z.iso.datetime(),
  last_at: z.string(),
  request_id: z.string().nullable(),
  process: z.string().meta({ example: 'saldo-api' }),
  release: z.string().meta({ example: 'saldo@0.1.0' }),
  resolved_at: z.iso.datetime().nullable(),
  resolved_by: z.string().nullable().meta({ example: 'user:7' }),
  reopened: z.number().int().meta({ description: 'How often it came back after it had been resolved.' }),
})

const wholeShape = errorShape.extend({ stack: z.string(), correlation: z.record(z.string(), z.string()) })

const query = z.object({
  state: z.enum(['open', 'resolved', 'all']).default('open'),
  kind: z.string().min(1).max(20).optional(),
  text: z.string().min(1).max(200).optional().meta({ description: 'Stands in its name, error, place or message.' }),
  request: z.string().min(1).max(100).optional().meta({ description: 'The id of a request, as problems tell it.' }),
  from: moment.optional().meta({ description: 'Last occurred at this moment or later.' }),
  to: moment.optional().meta({ description: 'Last occurred before this.' }),
  limit: z.coerce.number().int().min(1).max(FAILURES_PAGE_MAX).default(PAGE_DEFAULT),
  cursor: z.string().optional().meta({ description: 'From `next_cursor` or the Link header of the page before.' }),
})

const errorId = z.object({
  id: z
    .string()
    .regex(/^[1-9]\d{0,17}$/, 'must be the number of an error')
    .meta({ example: '12' }),
})

/** Failures that nobody foresaw, for staff. Register it under a scope that `guardRoutes` guards. */
export function criticalErrorRoutes(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    await server.register(readingRoutes(app))
    await server.register(resolvingRoutes(app))
  }
}

function readingRoutes(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    server.get(
      '/api/admin/logs/critical-errors',
      {
        config: { permission },
        schema: {
          summary: 'List critical errors',
          description:
            'One row for all occurrences of one failure, the last to occur first. What does not come back is forgotten in time (setting `errors.kept_days`).',
          tags,
          querystring: query,
          response: {
            200: z.object({ data: z.array(errorShape), has_more: z.boolean(), next_cursor: z.string().nullable() }),
          },
        },
      },
      async (request, reply) => {
        const { limit, cursor: given } = request.query
        const after = given === undefined ? undefined : cursor.decode(given)
        const found = await listFailures(app.db, filterOf(request.query), { limit, ...(after && { after }) })
        return { data: found.failures.map(errorView), ...cursor.next(request, reply, found.failures, found.has_more) }
      },
    )

    server.get(
      '/api/admin/logs/critical-errors/:id',
      {
        config: { permission },
        schema: {
          summary: 'A critical error, with the stack of its last occurrence',
          tags,
          params: errorId,
          response: { 200: wholeShape },
        },
      },
      async (request) => {
        const failure = await findFailure(app.db, BigInt(request.params.id))
        if (!failure) throw new CriticalErrorNotFoundError()
        return wholeView(failure)
      },
    )
  }
}

function resolvingRoutes(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    server.post(
      '/api/admin/logs/critical-errors/:id/resolve',
      {
        config: { permission: 'errors:manage', idempotent: 'Resolving what is resolved changes nothing.' },
        schema: {
          summary: 'Mark a critical error as seen to',
          description: 'Its next occurrence opens it again, and staff are told.',
          tags,
          params: errorId,
          body: z.strictObject({ reason: z.string().trim().min(1).max(500).optional() }).nullish(),
          response: { 200: wholeShape },
        },
      },
      async (request) => {
        const input = { id: BigInt(request.params.id), by: actorOf(request), reason: request.body?.reason }
        return wholeView(await resolveError(app, input))
      },
    )
  }
}

function filterOf({ state, kind, text, request, from, to }: z.output<typeof query>): FailureFilter {
  return {
    ...(state !== 'all' && { state }),
    ...(kind !== undefined && { kind }),
    ...(text !== undefined && { text }),
    ...(request !== undefined && { request_id: request }),
    ...(from !== undefined && { from: new Date(from) }),
    ...(to !== undefined && { to: new Date(to) }),
  }
}

function errorView(failure: RememberedFailure): z.output<typeof errorShape> {
  const { kind, name, error, place, message, last_at, request_id, process, release, resolved_by, reopened } = failure
  return {
    id: String(failure.id),
    ...{ kind, name, error, place, message, last_at, request_id, process, release, resolved_by, reopened },
    occurrences: String(failure.occurrences),
    first_at: failure.first_at.toISOString(),
    resolved_at: failure.resolved_at?.toISOString() ?? null,
  }
}

function wholeView(failure: RememberedFailure): z.output<typeof wholeShape> {
  return { ...errorView(failure), stack: failure.stack, correlation: { ...failure.correlation } }
}
