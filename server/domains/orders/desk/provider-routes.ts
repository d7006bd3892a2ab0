import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { checkBalance } from '#server/domains/providers/check-balance.ts'
import { ProviderNotFoundError } from '#server/domains/providers/errors.ts'
import type { ProviderRow } from '#server/domains/providers/provider-row.ts'
import { findProvider, listProviders } from '#server/domains/providers/queries.ts'
import type { Providers } from '#server/domains/providers/registry.ts'
import { formatAmount } from '#server/kit/money.ts'
import type { App } from '#server/platform/app.ts'
import { idText } from '#server/platform/http/id-text.ts'
import { SYNC_MAX, syncOrders } from './sync-orders.ts'

const tags = ['order desk']

/** Providers asked for their balance at once. */
const ASKED_AT_ONCE = 8

/** Orders named in one request. */
const NAMED_MAX = 1_000

const number = idText()

const balanceShape = z.object({
  provider_id: z.string().meta({ example: '1' }),
  name: z.string().meta({ example: 'Panel' }),
  status: z.enum(['ok', 'unavailable']).meta({ description: '`unavailable` says nothing about the balance.' }),
  balance: z.string().nullable().meta({ description: 'As the provider tells it.', example: '812.40' }),
  currency: z.string().meta({ example: 'USD' }),
  reason: z.string().nullable().meta({ description: 'Why it could not be read.', example: 'bad_key' }),
  message: z.string().nullable(),
})

const syncedShape = z.object({
  due: z.number().int().meta({ description: 'Orders that are asked about now.', example: 240 }),
  more: z.boolean().meta({ description: `There may be more than ${SYNC_MAX}: call again.` }),
})

/** Asking providers, for staff: our balance there, and how orders go. Register it under a scope that `guardRoutes` guards. */
export function deskProviderRoutes(app: App, providers: Providers): FastifyPluginAsyncZod {
  return async (server) => {
    await server.register(balanceRoute(app, providers))
    await server.register(syncRoutes(app))
  }
}

function balanceRoute(app: App, providers: Providers): FastifyPluginAsyncZod {
  return async (server) => {
    server.post(
      '/api/providers/check-balance',
      {
        config: { permission: 'providers:check-balance', idempotent: 'It asks, and changes nothing at the provider.' },
        schema: {
          summary: 'Ask one provider or all for our balance',
          tags,
          body: z.strictObject({ provider_id: number.optional().meta({ example: '1' }) }).nullish(),
          response: { 200: z.object({ data: z.array(balanceShape) }) },
        },
      },
      async (request) => {
        const id = request.body?.provider_id
        const asked = id === undefined ? await listProviders(app.db) : [await providerOf(app, BigInt(id))]
        const data = []
        for (let at = 0; at < asked.length; at += ASKED_AT_ONCE) {
          data.push(...(await Promise.all(asked.slice(at, at + ASKED_AT_ONCE).map((row) => ask(providers, row)))))
        }
        return { data }
      },
    )
  }
}

async function providerOf(app: App, id: bigint): Promise<ProviderRow> {
  const row = await findProvider(app.db, id)
  if (!row) throw new ProviderNotFoundError(id)
  return row
}

async function ask(providers: Providers, row: ProviderRow): Promise<z.output<typeof balanceShape>> {
  const answer = await checkBalance(providers, row.id)
  const about = { provider_id: String(row.id), name: row.name, status: answer.status, currency: row.currency }
  return answer.status === 'ok'
    ? {
        ...about,
        balance: formatAmount(answer.balance, row.scale, Math.min(2, row.scale)),
        reason: null,
        message: null,
      }
    : { ...about, balance: null, reason: answer.reason, message: answer.message }
}

const syncBody = z
  .strictObject({
    provider_id: number.optional().meta({ example: '1' }),
    order_ids: z.array(number).min(1).max(NAMED_MAX).optional(),
  })
  .nullish()

function syncRoutes(app: App): FastifyPluginAsyncZod {
  const config = {
    permission: 'orders:sync',
    idempotent: 'What was asked about within the last seconds is not asked about again.',
  }
  return async (server) => {
    server.post(
      '/api/admin/provider-sync',
      {
        config,
        schema: {
          summary: 'Ask providers now how orders go',
          description: 'All that are open, those of one provider, or those named. Workers ask within a second.',
          tags,
          body: syncBody,
          response: { 200: syncedShape },
        },
      },
      (request) => {
        const { provider_id, order_ids } = request.body ?? {}
        return syncOrders(app, {
          provider_id: provider_id === undefined ? undefined : BigInt(provider_id),
          order_ids: order_ids?.map(BigInt),
        })
      },
    )

    server.get(
      '/api/cron/sync-provider-orders',
      {
        config: { permission: 'orders:sync' },
        schema: {
          summary: 'The same for all open orders, for a schedule outside',
          description:
            'Workers follow orders by themselves; this is for those who want another rhythm. Make a key with the scope `orders:sync` alone, bound to the address of the scheduler.',
          tags,
          response: { 200: syncedShape },
        },
      },
      () => syncOrders(app, {}),
    )
  }
}
