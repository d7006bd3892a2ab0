import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { actorOf } from '#server/domains/identity/actor-of.ts'
import { principalOf } from '#server/domains/identity/guard-routes.ts'
import { AMOUNT_MAX } from '#server/kit/money.ts'
import type { App } from '#server/platform/app.ts'
import { keysetCursor } from '#server/platform/http/cursor.ts'
import { writeTexts } from '../texts/write-texts.ts'
import { acknowledgeAlert } from './acknowledge-alert.ts'
import type { Alert } from './alert.ts'
import { ALERTS_PAGE_MAX, listAlerts } from './queries.ts'
import { ALERTS_PERMISSION } from './settle-alerts.ts'

const cursor = keysetCursor({ id: 'bigint' })
const tags = ['alerts']

const alertShape = z.object({
  id: z.string().meta({ example: '4' }),
  kind: z.string().meta({ example: 'alert_provider_down' }),
  subject: z.string().meta({ example: 'provider:3' }),
  title: z.string().meta({ example: 'Provider down: Panel' }),
  body: z.string(),
  state: z
    .enum(['passing', 'open', 'acknowledged', 'cleared'])
    .meta({ description: '`passing`: not told yet, for it may go by itself.' }),
  raised_at: z.iso.datetime(),
  last_seen_at: z.iso.datetime(),
  count: z.string().meta({ description: 'How often it was seen.', example: '12' }),
  tellings: z.int().meta({ description: 'How often staff were told.' }),
  cleared_at: z.iso.datetime().nullable(),
  acknowledged_at: z.iso.datetime().nullable(),
  acknowledged_by: z.string().nullable(),
})

const listShape = z.object({ data: z.array(alertShape), has_more: z.boolean(), next_cursor: z.string().nullable() })

const page = z.object({
  state: z.enum(['open', 'all']).default('open').meta({ description: '`open`: what is not cleared.' }),
  limit: z.coerce.number().int().min(1).max(ALERTS_PAGE_MAX).default(50),
  cursor: z.string().optional().meta({ description: 'From `next_cursor` or the Link header of the page before.' }),
})

const withId = z.object({ id: z.string().regex(/^[1-9]\d{0,18}$/, 'must be a number such as 4') })

/** What staff are alarmed by. Register it under a scope that `guardRoutes` guards. */
export function alertRoutes(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    server.get(
      '/api/admin/alerts',
      {
        config: { permission: ALERTS_PERMISSION },
        schema: {
          summary: 'Alerts',
          description: 'Newest first. Staff who may read them are told of them by the ways they chose.',
          tags,
          querystring: page,
          response: { 200: listShape },
        },
      },
      async (request, reply) => {
        const { state, limit, cursor: given } = request.query
        const before = given === undefined ? AMOUNT_MAX : cursor.decode(given).id
        const found = await listAlerts(app.db, { open_only: state === 'open', before, limit })
        const alerts = found.slice(0, limit)
        return { data: alerts.map(alertView), ...cursor.next(request, reply, alerts, found.length > limit) }
      },
    )
    server.post(
      '/api/admin/alerts/:id/acknowledgement',
      {
        config: { permission: 'alerts:acknowledge', idempotent: 'the first who says so stays named' },
        schema: {
          summary: 'Take up an alert',
          description: 'It is not told again until the all-clear.',
          tags,
          params: withId,
          response: { 200: alertShape },
        },
      },
      async (request) => {
        const by = { now: app.clock.now(), actor: actorOf(request), user_id: principalOf(request).user_id }
        return alertView(await app.db.transaction((tx) => acknowledgeAlert(tx, BigInt(request.params.id), by)))
      },
    )
  }
}

function alertView(alert: Alert): z.output<typeof alertShape> {
  const data = { ...alert.data, since: alert.raised_at.toISOString() }
  const { title, body } = writeTexts(alert.kind, data, { locale: 'en', time_zone: 'UTC' })
  return {
    id: String(alert.id),
    kind: alert.kind,
    subject: alert.subject,
    title,
    body,
    state: stateOf(alert),
    raised_at: alert.raised_at.toISOString(),
    last_seen_at: alert.last_seen_at.toISOString(),
    count: String(alert.count),
    tellings: alert.tellings,
    cleared_at: alert.cleared_at?.toISOString() ?? null,
    acknowledged_at: alert.acknowledged_at?.toISOString() ?? null,
    acknowledged_by: alert.acknowledged_by?.toString() ?? null,
  }
}

function stateOf(alert: Alert): z.output<typeof alertShape>['state'] {
  if (alert.cleared_at !== null) return 'cleared'
  if (alert.acknowledged_at !== null) return 'acknowledged'
  return alert.told_at === null ? 'passing' : 'open'
}
