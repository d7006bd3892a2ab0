import { hash } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { authenticate, presentedBy } from '#server/domains/identity/authenticate.ts'
import type { Authentication } from '#server/domains/identity/authentication.ts'
import { TYPE_NAMES } from '#server/domains/providers/order-types.ts'
import { ProblemError } from '#server/platform/http/problem.ts'
import { hasDripFeed } from './drip-feed.ts'
import { openPrices } from './plans/plan-prices.ts'
import { saleAmount } from './sale-amount.ts'
import { renderedServices } from './sellable-services.ts'
import { type CatalogApp, SALE_ASSET, type Service } from './service.ts'

const serviceShape = z.object({
  id: z.string().meta({ example: '1' }),
  name: z.string(),
  category: z.string(),
  description: z.string().nullable(),
  type: z.enum(TYPE_NAMES).meta({ example: 'Default' }),
  rate: z.string().meta({
    description: 'The price of 1000; of one, for the types Package and Custom Comments Package.',
    example: '0.90',
  }),
  currency: z.string().meta({ example: 'USD' }),
  min: z.string().meta({ description: 'The smallest quantity of an order.', example: '50' }),
  max: z.string().meta({ example: '10000' }),
  dripfeed: z.boolean().meta({ description: 'Whether it can be ordered in runs.' }),
})

const listShape = z.object({ data: z.array(serviceShape) })

/** A browser or proxy may show prices this long; an order is priced by the server anyway. */
const MAX_AGE_S = 10

/** What is sold, for everyone to read. */
export function catalogRoutes(app: CatalogApp, authentication: Authentication): FastifyPluginAsyncZod {
  return async (server) => {
    server.get(
      '/api/v1/services',
      {
        config: { permission: null },
        schema: {
          summary: 'List the services',
          description:
            'By category. Needs no key; with a key or session the rates are those that its owner pays. `ETag` and `If-None-Match` save the transfer while nothing changes.',
          tags: ['services'],
          response: { 200: listShape, 304: z.null().meta({ description: 'What you have is current.' }) },
        },
      },
      async (request, reply) => {
        const customer_id = await callerOf(authentication, request)
        // Before the list, which may be newer then, and never the other way round.
        const max_age = customer_id === undefined ? MAX_AGE_S : await maxAgeFor(app, customer_id)
        const rendered = await renderedServices(app, 'rest', render, customer_id)
        const end = rendered.indexOf('\n')
        const etag = rendered.slice(0, end)
        const whose = customer_id === undefined ? 'public' : 'private'
        reply.headers({ etag, 'cache-control': `${whose}, max-age=${max_age}`, vary: PRESENTED_IN })
        if (matches(request.headers['if-none-match'], etag)) return reply.code(304).send(null)
        reply.header('content-type', 'application/json; charset=utf-8')
        return reply.serializer(asIs).send(rendered.slice(end + 1) as never)
      },
    )
  }
}

/** How long a customer may be shown these rates, in seconds: not beyond the end of a discount, so that nobody sees what they do not pay any more. */
async function maxAgeFor(app: CatalogApp, customer_id: bigint): Promise<number> {
  const ends_at = (await openPrices(app, [customer_id])).endsAt(customer_id)
  if (ends_at === undefined) return MAX_AGE_S
  const left_s = Math.floor((ends_at.getTime() - app.clock.now().getTime()) / 1_000)
  return Math.max(0, Math.min(MAX_AGE_S, left_s))
}

/** What a list depends on besides its address. */
const PRESENTED_IN = 'authorization, x-api-key, cookie'

/** Whose rates are asked for, where someone says so whom we know. Anybody else, a blocked one too, is as nobody: the list is for everyone. */
async function callerOf(authentication: Authentication, request: FastifyRequest): Promise<bigint | undefined> {
  if (presentedBy(request).how === 'nothing') return undefined
  try {
    return (await authenticate(authentication, request)).user_id
  } catch (error) {
    if (error instanceof ProblemError && (error.status === 401 || error.status === 403)) return undefined
    throw error
  }
}

const asIs = (text: unknown) => text as string

/** The tag and the list are one text, so that they are always of one revision. */
function render(services: readonly Service[]): string {
  const body = JSON.stringify({ data: services.map(serviceView) })
  return `"${hash('sha256', body, 'base64url').slice(0, 22)}"\n${body}`
}

function serviceView(service: Service): z.output<typeof serviceShape> {
  const { id, name, category, description, type, rate, min, max } = service
  return {
    id: String(id),
    name,
    category,
    description,
    type,
    rate: saleAmount(rate),
    currency: SALE_ASSET,
    min: String(min),
    max: String(max),
    dripfeed: hasDripFeed(service),
  }
}

/** RFC 9110, 13.1.2: any of the tags listed, compared weakly; `*` stands for all. */
function matches(if_none_match: string | undefined, etag: string): boolean {
  if (if_none_match === undefined) return false
  return if_none_match.split(',').some((each) => {
    const tag = each.trim()
    return tag === '*' || tag.replace(/^W\//, '') === etag
  })
}
