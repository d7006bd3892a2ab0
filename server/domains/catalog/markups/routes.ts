import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { actorOf } from '#server/domains/identity/actor-of.ts'
import type { App } from '#server/platform/app.ts'
import { keysetCursor } from '#server/platform/http/cursor.ts'
import { idText } from '#server/platform/http/id-text.ts'
import { InvalidRequestError } from '#server/platform/http/problem.ts'
import type { MarkupRule } from '../markup.ts'
import { changeMarkup, planRepricing } from './change-markup.ts'
import { RuleNotFoundError } from './errors.ts'
import { scopeOf } from './markup-rule.ts'
import { selectRule, selectRulesBehind } from './queries.ts'
import {
  readRule,
  readScope,
  repricingShape,
  repricingView,
  ruleBody,
  ruleShape,
  ruleView,
  scopeBody,
} from './rule-views.ts'

const tags = ['prices']
const PAGE_DEFAULT = 100
const PAGE_MAX = 500
const REASON_MAX = 500

/** As they were made: a page begins behind the rule that ended the one before. */
const cursor = keysetCursor({ id: 'bigint' })

const reason = z
  .string()
  .trim()
  .min(1)
  .max(REASON_MAX)
  .meta({ description: 'Why; kept for ever.', example: 'Campaign.' })
const revision = z
  .string()
  .regex(/^\d{1,18}$/, 'must be the revision that a preview told')
  .optional()
  .meta({ description: 'That of the preview: when the catalogue has changed since, 409 `catalogue_changed`.' })

const previewBody = scopeBody
  .extend({ ...ruleBody.shape, percent: ruleBody.shape.percent.optional() })
  .extend({ remove: z.literal(true).optional().meta({ description: 'Look at what taking it away would change.' }) })
  .strict()

/** How rates come out of costs, for staff. Register it under a scope that `guardRoutes` guards. */
export function markupRoutes(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    await server.register(listRoute(app))
    await server.register(previewRoute(app))
    await server.register(changingRoutes(app))
  }
}

function listRoute(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    server.get(
      '/api/admin/markup-rules',
      {
        config: { permission: 'prices:read' },
        schema: {
          summary: 'List the mark-up rules',
          description:
            'A service is priced by its own rule, or else its category’s, its provider’s, the house’s. The next page is at `Link: <…>; rel="next"`.',
          tags,
          querystring: z.object({
            limit: z.coerce.number().int().min(1).max(PAGE_MAX).default(PAGE_DEFAULT),
            cursor: z.string().optional(),
          }),
          response: {
            200: z.object({ data: z.array(ruleShape), has_more: z.boolean(), next_cursor: z.string().nullable() }),
          },
        },
      },
      async (request, reply) => {
        const { limit, cursor: given } = request.query
        const rules = await selectRulesBehind(app.db, given === undefined ? 0n : cursor.decode(given).id, limit + 1)
        const shown = rules.slice(0, limit)
        return { data: shown.map(ruleView), ...cursor.next(request, reply, shown, rules.length > limit) }
      },
    )
  }
}

function previewRoute(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    server.post(
      '/api/admin/markup-rules/preview',
      {
        config: { permission: 'prices:read', idempotent: 'It looks, and changes nothing.' },
        schema: {
          summary: 'See what a mark-up rule would change',
          description:
            'The same body as to set it, or `remove` to take it away: the services whose rate, or whether they are sold, would change. 404 `service_not_found`, `provider_not_found`; 409 `house_rule_stays`.',
          tags,
          body: previewBody,
          response: { 200: repricingShape },
        },
      },
      async (request) => {
        const { service_id, category, provider_id } = request.body
        const scope = readScope({ service_id, category, provider_id })
        const rule = readPreviewed(request.body)
        return repricingView(await planRepricing(app, app.db, { scope, rule }))
      },
    )
  }
}

function changingRoutes(app: App): FastifyPluginAsyncZod {
  const config = { permission: 'prices:edit' }
  return async (server) => {
    server.put(
      '/api/admin/markup-rules',
      {
        config,
        schema: {
          summary: 'Set a mark-up rule, and price anew what it decides',
          description:
            'For a service, a category of ours, a provider, or (none of them named) the house. Answers what has changed. 404 `service_not_found`, `provider_not_found`; 409 `catalogue_changed`.',
          tags,
          body: scopeBody.extend(ruleBody.shape).extend({ reason, revision }).strict(),
          response: { 200: repricingShape },
        },
      },
      async (request) => {
        const { service_id, category, provider_id, reason, revision } = request.body
        const scope = readScope({ service_id, category, provider_id })
        const rule = readRule(request.body)
        return repricingView(await changeMarkup(app, { scope, rule, ...asked(reason, revision), by: actorOf(request) }))
      },
    )

    server.delete(
      '/api/admin/markup-rules/:id',
      {
        config,
        schema: {
          summary: 'Take a mark-up rule away, and price anew what it decided',
          description:
            'The next wider rule decides from now on. Answers what has changed. 404 `markup_rule_not_found`; 409 `house_rule_stays`, `catalogue_changed`.',
          tags,
          params: z.object({ id: idText() }),
          querystring: z.object({ reason, revision }),
          response: { 200: repricingShape },
        },
      },
      async (request) => {
        const stored = await selectRule(app.db, BigInt(request.params.id))
        if (!stored) throw new RuleNotFoundError()
        const { reason, revision } = request.query
        const change = { scope: scopeOf(stored), rule: null, ...asked(reason, revision), by: actorOf(request) }
        return repricingView(await changeMarkup(app, change))
      },
    )
  }
}

function readPreviewed({ remove, percent, ...rest }: z.output<typeof previewBody>): MarkupRule | null {
  if (remove) return null
  if (percent === undefined) {
    throw new InvalidRequestError([{ field: 'percent', reason: 'is required, unless with remove' }])
  }
  return readRule({ percent, ...rest })
}

function asked(reason: string, revision: string | undefined) {
  return { reason, revision: revision === undefined ? undefined : BigInt(revision) }
}
