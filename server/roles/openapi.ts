import swagger from '@fastify/swagger'
import type { FastifyContextConfig, RouteOptions } from 'fastify'
import { jsonSchemaTransform } from 'fastify-type-provider-zod'
import type { Config } from '#server/platform/config/config.ts'
import type { HttpApp } from '#server/platform/http/http.ts'
import { IDEMPOTENCY_HEADER } from '#server/platform/idempotency/idempotency-key.ts'

type OpenApiOptions = Pick<Config, 'public_url' | 'mode'>

/** Describes every route registered after this call at `/openapi.json`: its permission as `x-permission` (null: open to all), schemas, examples. */
export async function openApiDocument(app: HttpApp, config: OpenApiOptions): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Saldo',
        version: '1',
        description: `Orders, money and what becomes of them.${config.mode === 'sandbox' ? ' This is a sandbox: no real money, no real provider.' : ''}`,
      },
      servers: [{ url: config.public_url?.replace(/\/$/, '') ?? '/' }],
      tags: TAGS,
      components: { schemas: { Problem: PROBLEM }, securitySchemes: SECURITY_SCHEMES },
      paths: OPERATOR_PATHS,
    },
    transform: describe,
  })

  let text: string | undefined
  app.get(
    '/openapi.json',
    { config: { permission: null }, schema: { summary: 'This document', tags: ['developers'] } },
    async (_, reply) => {
      // Routes are all there once the server listens, and none is added later.
      text ??= JSON.stringify(app.swagger())
      return reply
        .headers({ 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-cache' })
        .send(text)
    },
  )
}

const TAGS = [
  { name: 'panels', description: 'The form that resellers’ panels speak.' },
  { name: 'orders', description: 'Orders over REST.' },
  { name: 'services', description: 'What is sold.' },
  { name: 'money', description: 'Balances.' },
  { name: 'deposits', description: 'Paying in by hand.' },
  { name: 'promo codes', description: 'Redeeming codes.' },
  { name: 'webhooks', description: 'Being told of what happens.' },
  { name: 'account', description: 'Sign-in and API keys.' },
  {
    name: 'messages',
    description: 'What people are told: inbox, preferences, Telegram; for staff, what was sent and the texts.',
  },
  { name: 'alerts', description: 'For staff: what is wrong at the moment.' },
  { name: 'areas', description: 'The doors of administrators, support, team leads, traders and merchants.' },
  { name: 'providers', description: 'For staff: who does the work, and what was said to them.' },
  { name: 'prices', description: 'For staff: how rates come out of costs.' },
  { name: 'sources', description: 'For staff: where services are bought, and how each source does.' },
  { name: 'order desk', description: 'For staff: all orders as they are.' },
  { name: 'staff', description: 'For staff: users.' },
  { name: 'adjustments', description: 'For staff: putting customers’ balances right.' },
  { name: 'deposits by hand', description: 'For staff: what customers say to have paid, and the answer.' },
  { name: 'campaigns', description: 'For staff: promo codes, and who has redeemed them.' },
  { name: 'finance', description: 'For staff: what was earned and spent.' },
  { name: 'rights', description: 'For staff: roles, and what people may do.' },
  { name: 'settings', description: 'For staff: what can be changed while the house runs.' },
  { name: 'queues', description: 'For staff: what waits, and what was given up.' },
  { name: 'audit', description: 'For staff: who did what to what.' },
  { name: 'errors', description: 'For staff: failures that nobody foresaw.' },
  { name: 'developers', description: 'This description.' },
  { name: 'operators', description: 'For those who run Saldo.' },
]

const SECURITY_SCHEMES = {
  api_key: { type: 'apiKey', in: 'header', name: 'X-Api-Key' },
  session: { type: 'http', scheme: 'bearer' },
  cookie: { type: 'apiKey', in: 'cookie', name: 'saldo_session' },
} as const

const text = (example: string) => ({ type: 'string' as const, example })

const PROBLEM = {
  type: 'object' as const,
  description: 'RFC 9457. `code` is for programs, `title` and `detail` are for people.',
  required: ['type', 'title', 'status', 'code', 'request_id'],
  properties: {
    type: text('urn:saldo:problem:insufficient_funds'),
    title: text('The order was not taken'),
    status: { type: 'integer' as const, example: 402 },
    detail: text('There are not enough funds on the balance.'),
    code: text('insufficient_funds'),
    request_id: text('3f0c6a2e-5b9e-4a52-8a6e-0d9a3f1c7b11'),
    errors: {
      type: 'array' as const,
      items: {
        type: 'object' as const,
        properties: { field: text('quantity'), reason: text('must be at least 10') },
      },
    },
  },
}

const PROBLEM_ANSWER = {
  description: 'Refused, as a problem.',
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
}

/** Of each route that answers a repeated request as it did before. */
const KEY_HEADER = {
  type: 'object',
  properties: {
    [IDEMPOTENCY_HEADER]: {
      type: 'string',
      description:
        'Your own key for this request, 1 to 255 characters. Repeated under it, the request is carried out once and answered the same again, with `Idempotent-Replayed: true`: for two days, refusals included. Another request under the key: 422 `idempotency_key_reused`; the first one still under way: 409 `idempotency_key_in_flight`.',
      example: '8e03978e-40d5-43e8-bc93-6894a57f9324',
    },
  },
} as const

/** The operators' routes stand before anything else is registered, so they are named here. */
const OPERATOR_PATHS = Object.fromEntries(
  [
    ['/healthz', 'The process is alive'],
    ['/readyz', 'The process can serve; 503 when a check fails or it stops'],
    ['/metrics', 'Metrics in the format of Prometheus'],
  ].map(([path, summary]) => [
    path,
    { get: { summary, tags: ['operators'], 'x-permission': null, responses: { 200: { description: 'As it says.' } } } },
  ]),
)

/** What a status says where its schema says nothing more. */
const MEANINGS: Readonly<Record<string, string>> = { 200: 'Done.', 201: 'Made.', 204: 'Done; there is nothing to say.' }

type Transform = typeof jsonSchemaTransform

function describe(document: Parameters<Transform>[0]): ReturnType<Transform> {
  const { schema, url } = jsonSchemaTransform({ ...document, schema: document.schema ?? {} })
  const described = schema as Record<string, unknown> & { response?: Record<string, unknown> }
  const {
    permission = null,
    idempotent,
    rate_class,
  } = (document.route as RouteOptions).config as FastifyContextConfig & {
    permission?: string | null
  }
  described['x-permission'] ??= permission
  if (permission !== null) described.security = [{ api_key: [] }, { session: [] }, { cookie: [] }]
  described['x-rate-class'] = rate_class
  if (idempotent !== undefined) described['x-idempotent'] = idempotent
  if (idempotent === true) described.headers = KEY_HEADER
  for (const [status, answer] of Object.entries(described.response ?? {})) {
    ;(answer as { description?: string }).description ??= MEANINGS[status] ?? 'As described.'
  }
  if (url.startsWith('/api/') && url !== '/api/v2')
    described.response = { ...described.response, default: PROBLEM_ANSWER }
  return { schema: described, url }
}
