import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { SALE_ASSET } from '#server/domains/catalog/service.ts'
import type { App } from '#server/platform/app.ts'
import { dayRange } from './day-range.ts'
import { sumOf } from './figures.ts'
import { figuresShape, figuresView, providerBalanceShape, providerBalanceView } from './finance-views.ts'
import { providerBalances } from './provider-balances.ts'
import {
  assetScales,
  DAYS_MAX,
  type Dimension,
  figuresBy,
  figuresByDay,
  financeProgress,
  namesOf,
  ORDERS_OF_ROWS,
  ROWS_MAX,
} from './queries.ts'

const tags = ['finance']
const config = { permission: 'finance:read' }
const ROWS_DEFAULT = 50

const day = z.iso.date()
const days = {
  from: day.optional().meta({ description: 'The first day, in UTC; 29 days before `to` without it.' }),
  to: day.optional().meta({ description: `The last day, in UTC; today without it. No more than ${DAYS_MAX} days.` }),
}

/** What stands at the head of every report. */
const head = {
  from: day.meta({ example: '2026-11-01' }),
  to: day.meta({ example: '2026-11-30' }),
  time_zone: z.literal('UTC').meta({ description: 'Where days begin and end.' }),
  currency: z.string().meta({ example: SALE_ASSET }),
  as_of: z.iso
    .datetime()
    .nullable()
    .meta({ description: 'Up to when everything is in the sums, a minute or so ago; null before there is anything.' }),
  total: figuresShape,
}

/** What was earned and spent, for staff. Register it under a scope that `guardRoutes` guards. */
export function financeRoutes(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    await server.register(daysRoute(app))
    for (const dimension of ['service', 'provider', 'customer'] as const) {
      await server.register(rowsRoute(app, dimension))
    }
    await server.register(balancesRoute(app))
  }
}

function daysRoute(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    server.get(
      '/api/admin/finance/days',
      {
        config,
        schema: {
          summary: 'Turnover, cost and profit by day',
          description:
            'From the ledger, so that the days add up to `total`. Money counts on the day on which it moved: an order’s turnover when it ended, and its cost when the provider took it. Days without any movement are left out.',
          tags,
          querystring: z.object(days),
          response: {
            200: z.object({
              ...head,
              data: z.array(figuresShape.extend({ day: day.meta({ example: '2026-11-24' }) })),
            }),
          },
        },
      },
      async (request) => {
        const range = dayRange(request.query, app.clock.now())
        const as_of = await asOf(app)
        const [scales, rows] = await Promise.all([assetScales(app), figuresByDay(app, range)])
        const data = [...Map.groupBy(rows, (row) => row.day)].map(([day, of]) => ({ day, ...figuresView(of, scales) }))
        return { ...range, ...HEAD, as_of, total: figuresView(sumOf(rows), scales), data }
      },
    )
  }
}

const WORDS: Readonly<Record<Dimension, { of: string; rest: string }>> = {
  service: { of: 'services', rest: 'the services that are not shown, and what belongs to none, such as deposits' },
  provider: { of: 'providers', rest: 'the providers that are not shown, and what belongs to none, such as deposits' },
  customer: { of: 'customers', rest: 'the customers that are not shown' },
}

function rowsRoute(app: App, dimension: Dimension): FastifyPluginAsyncZod {
  const { of, rest: left } = WORDS[dimension]
  return async (server) => {
    server.get(
      `/api/admin/finance/${of}`,
      {
        config,
        schema: {
          summary: `Turnover, cost and profit of ${of}`,
          description: `Those with most first. \`rest\` is ${left}: with \`data\` it adds up to \`total\`.`,
          tags,
          querystring: z.object({
            ...days,
            sort: z
              .enum(ORDERS_OF_ROWS)
              .default('turnover')
              .meta({ description: 'By what they are ordered; amounts in the currency of sales.' }),
            limit: z.coerce.number().int().min(1).max(ROWS_MAX).default(ROWS_DEFAULT),
          }),
          response: {
            200: z.object({
              ...head,
              rest: figuresShape,
              data: z.array(
                figuresShape.extend({
                  [`${dimension}_id`]: z.string().meta({ example: '17' }),
                  ...(dimension !== 'customer' && { name: z.string().nullable().meta({ example: 'Panel' }) }),
                }),
              ),
            }),
          },
        },
      },
      async (request) => {
        const { sort: order, limit, ...asked } = request.query
        const range = dayRange(asked, app.clock.now())
        const as_of = await asOf(app)
        const [scales, { rows, rest }] = await Promise.all([
          assetScales(app),
          figuresBy(app, dimension, range, { order, limit, asset: SALE_ASSET }),
        ])
        const names = await namesOf(
          app,
          dimension,
          rows.map(({ id }) => id),
        )
        const data = rows.map(({ id, figures }) => ({
          [`${dimension}_id`]: String(id),
          ...(dimension !== 'customer' && { name: names.get(id) ?? null }),
          ...figuresView(figures, scales),
        }))
        const total = figuresView(sumOf([...rows.flatMap(({ figures }) => figures), ...rest]), scales)
        return { ...range, ...HEAD, as_of, total, rest: figuresView(rest, scales), data }
      },
    )
  }
}

const HEAD = { time_zone: 'UTC', currency: SALE_ASSET } as const

/** Up to when nothing is missing in what is read after this. */
async function asOf(app: App): Promise<string | null> {
  const now = app.clock.now()
  const { at, complete } = await financeProgress(app)
  return (complete ? now : at)?.toISOString() ?? null
}

function balancesRoute(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    server.get(
      '/api/admin/finance/provider-balances',
      {
        config,
        schema: {
          summary: 'Our balances with providers: ours, theirs, and the difference',
          description: 'Theirs as they were told last; `POST /api/providers/check-balance` asks anew.',
          tags,
          response: { 200: z.object({ data: z.array(providerBalanceShape) }) },
        },
      },
      async () => ({ data: (await providerBalances(app)).map(providerBalanceView) }),
    )
  }
}
