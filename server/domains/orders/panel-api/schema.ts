import type { FastifySchema } from 'fastify'
import { z } from 'zod'
import { PARAM_NAMES, type ParamName, TYPE_NAMES } from '#server/domains/providers/order-types.ts'
import { describeParam, TYPES_WITH_QUANTITY, TYPES_WITHOUT_LINK } from '../placing/describe-types.ts'
import { ACTIONS } from './actions.ts'

// These describe the door in the OpenAPI document; nothing is validated by them.

const text = (description: string, example: string) => z.string().optional().meta({ description, example })

const params = Object.fromEntries(
  PARAM_NAMES.map((name) => [
    name,
    z
      .string()
      .optional()
      .meta({ description: `\`add\`. ${describeParam(name)}` }),
  ]),
) as Record<ParamName, z.ZodOptional<z.ZodString>>

const requestFields = z
  .object({
    key: text('Your API key. May stand in the headers `X-Api-Key` or `Authorization: ApiKey …` instead.', 'sk_…'),
    action: z.enum([...ACTIONS.keys()] as [string, ...string[]]).meta({ example: 'add' }),
    service: text('`add`: the number of the service.', '1'),
    link: text(
      `\`add\`: what the work is about, a web address. Type ${TYPES_WITHOUT_LINK} has none.`,
      'https://example.com/text',
    ),
    quantity: text(`\`add\`: type ${TYPES_WITH_QUANTITY}.`, '100'),
    ...params,
    runs: text('`add`, drip-feed: how many orders of this quantity, one after another.', '3'),
    interval: text('`add`, drip-feed: minutes from one run to the next.', '60'),
    request_id: text(
      '`add`: your own key, up to 128 characters. The same request under it makes one order. The header `Idempotency-Key` does the same.',
      'order-4711',
    ),
    order: text('`status`, `refill`, `cancel`: one order.', '23501'),
    orders: text(
      '`mass`: up to 100 lines, `service|link|quantity` each. `status`, `refill`, `cancel`: up to 100 orders, joined by commas.',
      '23501,23502',
    ),
    refill: text('`refill_status`: one refill.', '1'),
    refills: text('`refill_status`: up to 100 refills, joined by commas.', '1,2'),
  })
  .meta({ example: { key: 'sk_…', action: 'add', service: '1', link: 'https://example.com/text', quantity: '100' } })

const error = z.object({ error: z.string().meta({ example: 'Incorrect order ID' }) })

const status = z.object({
  charge: z.string().meta({ example: '0.27819' }),
  start_count: z.string().meta({ example: '3572' }),
  status: z
    .enum(['Pending', 'In progress', 'Processing', 'Completed', 'Partial', 'Canceled', 'Active', 'Paused', 'Expired'])
    .meta({
      description: 'A subscription is Pending, Active, Paused, Completed, Expired or Canceled.',
    }),
  remains: z.string().meta({ example: '157' }),
  currency: z.string().meta({ example: 'USD' }),
  runs: z.number().optional().meta({ description: 'Of a drip-feed.' }),
  posts: z.number().optional().meta({ description: 'Of a subscription: how many so far.' }),
  orders: z
    .array(z.number())
    .optional()
    .meta({ description: 'Of a drip-feed or a subscription: the orders that its runs or posts are.' }),
})

const service = z.object({
  service: z.number().meta({ example: 1 }),
  name: z.string(),
  type: z.enum(TYPE_NAMES).meta({ example: 'Default' }),
  category: z.string(),
  rate: z
    .string()
    .meta({ description: 'Per 1000; of one, for the types Package and Custom Comments Package.', example: '0.90' }),
  min: z.string().meta({ example: '50' }),
  max: z.string().meta({ example: '10000' }),
  dripfeed: z.boolean(),
  refill: z.boolean(),
  cancel: z.boolean(),
  desc: z.string(),
})

const answer = z
  .union([
    z.object({ order: z.number() }),
    status,
    z.record(z.string(), z.union([status, error])),
    z.array(service),
    z.object({ balance: z.string(), currency: z.string() }),
    z.array(z.object({ order: z.number(), cancel: z.union([z.literal(1), error]) })),
    z.object({ refill: z.string() }),
    z.array(z.object({ order: z.number(), refill: z.union([z.number(), error]) })),
    z.object({ status: z.string() }),
    z.array(z.object({ refill: z.number(), status: z.union([z.string(), error]) })),
    error,
  ])
  .meta({
    description: 'What the action answers, or `{"error"}`; the status is 200 for both.',
    example: { order: 23501 },
  })

const limited = error.meta({
  description: 'Nothing was done; the request may be sent again.',
  example: { error: 'Rate limit exceeded' },
})

const permissions = [...new Set([...ACTIONS.values()].map((action) => action.permission))].sort()

const shared = {
  tags: ['panels'],
  response: { 200: answer, 429: limited },
  'x-permission': permissions,
}

/** `POST /api/v2`. */
export const postSchema: FastifySchema = {
  ...shared,
  summary: 'The panels’ form: services, add, status, balance …',
  description: `One address for all; \`action\` selects. It takes a form, JSON or multipart. Permission by action: ${[...ACTIONS].map(([name, { permission }]) => `${name} \`${permission}\``).join(', ')}.`,
  consumes: ['application/x-www-form-urlencoded', 'application/json', 'multipart/form-data'],
  body: requestFields,
} as FastifySchema

/** `GET /api/v2`. */
export const getSchema: FastifySchema = {
  ...shared,
  summary: 'The panels’ form by GET, for keys that allow it',
  description: 'The key may stand in the URL only if its owner made it with `legacy_get`.',
  querystring: requestFields,
} as FastifySchema
