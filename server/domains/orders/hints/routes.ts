import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { HookNotFoundError } from '#server/domains/providers/errors.ts'
import { checkHook, type HookProof } from '#server/domains/providers/hooks/check-hook.ts'
import type { App } from '#server/platform/app.ts'
import type { Secrets } from '#server/platform/secrets/secrets.ts'
import { parseId } from '../order-id.ts'
import { hintOrders } from './hint-orders.ts'
import { namedOrders } from './named-orders.ts'

/** A hundred orders with whatever is told of each. */
const BODY_BYTES_MAX = 65_536

const SIGNATURES = ['x-signature', 'x-hub-signature-256', 'x-signature-256'] as const

/** Where providers call us. What they say is a hint and never a state: the orders they name are asked about now. Open to whoever has the provider's secret. */
export function hintRoutes(app: App, secrets: Secrets): FastifyPluginAsyncZod {
  const config = {
    permission: null,
    idempotent: 'It makes orders due to be asked about, which they are once however often it is called.',
  } as const
  const answer = { response: { 200: z.object({ ok: z.literal(true) }) } }
  const take = async (id: string, proof: HookProof, body: Buffer) => {
    const provider_id = parseId(id)
    if (provider_id === undefined || !(await checkHook(app, secrets, provider_id, proof))) throw new HookNotFoundError()
    await hintOrders(app, provider_id, namedOrders(body))
    return { ok: true as const }
  }
  return async (server) => {
    // The bytes as they came: the signature is of them.
    server.removeAllContentTypeParsers()
    server.addContentTypeParser('*', { parseAs: 'buffer' }, (_, body, done) => done(null, body))

    server.post(
      '/hooks/providers/:id/:secret',
      {
        config,
        bodyLimit: BODY_BYTES_MAX,
        schema: {
          summary: 'A provider tells that something happened to its orders',
          description:
            'With its secret in the address. Any form that names orders; they are asked about, and nothing else is believed. 404 `hook_not_found` for a wrong secret.',
          tags: ['providers'],
          params: z.object({ id: z.string(), secret: z.string().max(200) }),
          ...answer,
        },
      },
      (request) => take(request.params.id, { secret: request.params.secret }, bodyOf(request.body)),
    )

    server.post(
      '/hooks/providers/:id',
      {
        config,
        bodyLimit: BODY_BYTES_MAX,
        schema: {
          summary: 'A provider tells, signed, that something happened to its orders',
          description:
            '`X-Signature` (or `X-Hub-Signature-256`): the hexadecimal HMAC-SHA256 of the body by its secret, with or without `sha256=` before it. 404 `hook_not_found` for a wrong one.',
          tags: ['providers'],
          params: z.object({ id: z.string() }),
          ...answer,
        },
      },
      (request) => {
        const body = bodyOf(request.body)
        const signature = SIGNATURES.map((name) => request.headers[name]).find((each) => typeof each === 'string')
        return take(request.params.id, { signature: String(signature ?? ''), body }, body)
      },
    )
  }
}

/** A request without a body names no orders. */
function bodyOf(body: unknown): Buffer {
  return Buffer.isBuffer(body) ? body : Buffer.alloc(0)
}
