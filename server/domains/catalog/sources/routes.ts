import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { actorOf } from '#server/domains/identity/actor-of.ts'
import { formatAmount } from '#server/kit/money.ts'
import type { App } from '#server/platform/app.ts'
import { idText } from '#server/platform/http/id-text.ts'
import { saleAmount } from '../sale-amount.ts'
import { imposeQuarantine } from './impose-quarantine.ts'
import { readSources, type SourceSeen } from './read-sources.ts'
import { releaseQuarantine } from './release-quarantine.ts'
import { removeSource } from './remove-source.ts'
import { setSource } from './set-source.ts'
import { setStrategy } from './set-strategy.ts'
import { PRIORITY_MAX, QUARANTINE_HOURS_MAX, SOURCES_MAX, STRATEGIES, WEIGHT_MAX } from './source.ts'

const tags = ['sources']

const number = idText().transform(BigInt)
const reason = z.string().trim().min(1).max(200).meta({ description: 'Why; kept for ever.', example: 'It is slow.' })
const ofService = z.object({ id: number })
const ofSource = z.object({ id: number, source_id: number })

const count = z.number().int()
const moment = z.iso.datetime().nullable()

const sourceShape = z.object({
  source_id: z
    .string()
    .meta({ description: 'The row of the catalogue; the service itself is its own.', example: '31' }),
  name: z.string(),
  provider_id: z.string().meta({ example: '2' }),
  provider: z.string().meta({ example: 'Panel' }),
  provider_service_id: z.string().meta({ description: 'What it is there.', example: '4711' }),
  priority: z.number().int().meta({ description: 'The lower goes first.', example: 0 }),
  weight: z.number().int().meta({ example: 1 }),
  enabled: z.boolean(),
  provider_enabled: z.boolean(),
  min: z.string().meta({ example: '10' }),
  max: z.string().meta({ example: '10000' }),
  cost: z.string().meta({ description: 'Of 1000, or of one package, in `currency`.', example: '0.60' }),
  currency: z.string().meta({ example: 'USD' }),
  cost_usd: z.string().nullable().meta({ description: 'Null: no exchange rate is fresh.', example: '0.60' }),
  gap: z.string().nullable().meta({ description: 'Why its provider’s offer cannot be used.', example: 'vanished' }),
  at_a_loss: z.boolean().meta({ description: 'It costs more than the service is sold for: it gets no orders.' }),
  quarantine: z.object({ until: z.iso.datetime(), reason: z.string() }).nullable(),
  health: z
    .object({
      healthy: z.boolean(),
      accepted: count.meta({ example: 97 }),
      rejected: count.meta({ description: 'For reasons of its own.', example: 2 }),
      unknown: count.meta({ example: 1 }),
      not_sent: count.meta({ example: 0 }),
      median_ms: count.nullable().meta({ description: 'From sending to the answer.', example: 180 }),
      p95_ms: count.nullable().meta({ example: 700 }),
      last_rejected_at: moment,
      measured_at: z.iso.datetime(),
    })
    .nullable()
    .meta({ description: 'Of the newest hundred orders within the last hour; null while it has not been measured.' }),
})

const sourcesShape = z.object({
  service_id: z.string().meta({ example: '7' }),
  strategy: z.enum(STRATEGIES).meta({
    description:
      '`fixed`: the first that can be used. `cheapest`: the cheapest of those that do well. `weighted`: each as often as its weight says.',
  }),
  rate: z.string().meta({ description: 'What customers pay, whichever source is used.', example: '0.90' }),
  data: z.array(sourceShape),
})

/** Where services are bought, for staff. Register it under a scope that `guardRoutes` guards. */
export function sourceRoutes(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    await server.register(readingRoute(app))
    await server.register(changingRoutes(app))
    await server.register(strategyRoute(app))
    await server.register(quarantineRoutes(app))
  }
}

function readingRoute(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    server.get(
      '/api/admin/services/:id/sources',
      {
        config: { permission: 'sources:read' },
        schema: {
          summary: 'See where a service is bought',
          description: 'Each source with its price, limits, and how it did lately. 404 `service_not_found`.',
          tags,
          params: ofService,
          response: { 200: sourcesShape },
        },
      },
      (request) => view(app, request.params.id),
    )
  }
}

const sourceBody = z.strictObject({
  priority: z.int().min(0).max(PRIORITY_MAX).optional().meta({ description: 'Left out: behind the others.' }),
  weight: z.int().min(1).max(WEIGHT_MAX).optional().meta({ description: 'For the strategy `weighted`.', example: 3 }),
  enabled: z.boolean().optional(),
  reason,
})

function changingRoutes(app: App): FastifyPluginAsyncZod {
  const config = { permission: 'sources:edit' }
  return async (server) => {
    server.put(
      '/api/admin/services/:id/sources/:source_id',
      {
        config,
        schema: {
          summary: 'Add a source to a service, or change one',
          description: `A service of the same type, at whatever provider; it need not be on sale. Up to ${SOURCES_MAX}. With the first, the service’s own offer becomes one of its sources. 404 \`service_not_found\`; 409 \`source_type_differs\`, \`too_many_sources\`, \`last_source_stays\`.`,
          tags,
          params: ofSource,
          body: sourceBody,
          response: { 200: sourcesShape },
        },
      },
      async (request) => {
        const { id: service_id, source_id } = request.params
        await setSource(app, { service_id, source_id, ...request.body, by: actorOf(request) })
        return view(app, service_id)
      },
    )

    server.delete(
      '/api/admin/services/:id/sources/:source_id',
      {
        config,
        schema: {
          summary: 'Take a source away from a service',
          description:
            'Orders that are there stay there. 404 `service_not_found`, `source_not_found`; 409 `own_source_stays`, `last_source_stays`.',
          tags,
          params: ofSource,
          querystring: z.object({ reason }),
          response: { 200: sourcesShape },
        },
      },
      async (request) => {
        const { id: service_id, source_id } = request.params
        await removeSource(app, { service_id, source_id, reason: request.query.reason, by: actorOf(request) })
        return view(app, service_id)
      },
    )
  }
}

function strategyRoute(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    server.put(
      '/api/admin/services/:id/strategy',
      {
        config: { permission: 'sources:edit' },
        schema: {
          summary: 'Set how one of a service’s sources is chosen',
          description: 'For orders from now on. 404 `service_not_found`.',
          tags,
          params: ofService,
          body: z.strictObject({ strategy: z.enum(STRATEGIES).meta({ example: 'cheapest' }), reason }),
          response: { 200: sourcesShape },
        },
      },
      async (request) => {
        const service_id = request.params.id
        await setStrategy(app, { service_id, ...request.body, by: actorOf(request) })
        return view(app, service_id)
      },
    )
  }
}

const quarantineShape = z.object({
  changed: z.boolean().meta({ description: 'False: it stood so already, or stands for longer.' }),
})

function quarantineRoutes(app: App): FastifyPluginAsyncZod {
  const config = { permission: 'sources:quarantine' }
  return async (server) => {
    server.put(
      '/api/admin/services/:id/quarantine',
      {
        config,
        schema: {
          summary: 'Give a source no orders for some hours',
          description:
            'Wherever it is a source, its own service too. What waits for it goes elsewhere where it can, or waits; then one order tries it. 404 `service_not_found`.',
          tags,
          params: ofService,
          body: z.strictObject({ hours: z.int().min(1).max(QUARANTINE_HOURS_MAX).meta({ example: 2 }), reason }),
          response: { 200: quarantineShape },
        },
      },
      async (request) => {
        const input = { service_id: request.params.id, ...request.body, by: actorOf(request) }
        return { changed: await imposeQuarantine(app, input) }
      },
    )

    server.delete(
      '/api/admin/services/:id/quarantine',
      {
        config,
        schema: {
          summary: 'Give a source orders again',
          description: 'What was refused before counts no more. 404 `service_not_found`.',
          tags,
          params: ofService,
          querystring: z.object({ reason }),
          response: { 200: quarantineShape },
        },
      },
      async (request) => {
        const input = { service_id: request.params.id, reason: request.query.reason, by: actorOf(request) }
        return { changed: await releaseQuarantine(app, input) }
      },
    )
  }
}

async function view(app: App, service_id: bigint): Promise<z.output<typeof sourcesShape>> {
  const { strategy, rate, sources } = await readSources(app, service_id)
  const data = sources.map((source) => sourceView(source, rate))
  return { service_id: String(service_id), strategy, rate: saleAmount(rate), data }
}

function sourceView(source: SourceSeen, rate: bigint): z.output<typeof sourceShape> {
  const { name, priority, weight, enabled, provider_enabled, provider_service_id, cost_usd, until, reason } = source
  return {
    ...{ name, priority, weight, enabled, provider_enabled, provider_service_id },
    source_id: String(source.source_id),
    provider_id: String(source.provider_id),
    provider: source.provider_name,
    min: String(source.min),
    max: String(source.max),
    cost: formatAmount(source.cost, source.cost_scale, Math.min(2, source.cost_scale)),
    currency: source.cost_asset,
    cost_usd: cost_usd === null ? null : saleAmount(cost_usd),
    gap: source.offer_gap,
    at_a_loss: cost_usd !== null && cost_usd > rate,
    quarantine: until && { until: until.toISOString(), reason: reason ?? '' },
    health: healthView(source),
  }
}

function healthView({ measured_at, healthy, health }: SourceSeen): z.output<typeof sourceShape>['health'] {
  if (measured_at === null) return null
  const { last_rejected_at, ...figures } = health
  return {
    ...figures,
    healthy: healthy ?? true,
    last_rejected_at: last_rejected_at?.toISOString() ?? null,
    measured_at: measured_at.toISOString(),
  }
}
