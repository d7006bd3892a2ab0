import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { App } from '#server/platform/app.ts'
import { once } from '#server/platform/idempotency/once.ts'
import { ALLOWED_IPS_MAX } from './allowed-ips.ts'
import type { ApiKey } from './api-key.ts'
import { presentedBy, refuseForeignOrigin } from './authenticate.ts'
import type { Authentication } from './authentication.ts'
import { createApiKey } from './create-api-key.ts'
import { createSession } from './create-session.ts'
import { endSession } from './end-session.ts'
import { UnauthenticatedError } from './errors.ts'
import { principalOf } from './guard-routes.ts'
import type { Principal, Scope } from './principal.ts'
import { SCOPES } from './principal.ts'
import { apiKeysOf, userById } from './queries.ts'
import { revokeApiKey } from './revoke-api-key.ts'
import { endedCookie, sessionCookie } from './session-cookie.ts'
import { EMAIL_MAX, LOCALES, NAME_MAX, PASSWORD_MAX, type User } from './user.ts'

const userShape = z.object({
  id: z.string().meta({ example: '7' }),
  email: z.string().meta({ example: 'ada@example.com' }),
  name: z.string(),
  role: z.string().meta({ example: 'customer' }),
  locale: z.enum(LOCALES),
  created_at: z.iso.datetime(),
})

const meShape = z.object({
  user: userShape,
  permissions: z.array(z.string()).meta({ example: ['orders:*:own'] }),
  via: z.enum(['key', 'session']),
  scopes: z.array(z.string()).meta({ example: ['*'] }),
})

const scope = z.enum(Object.keys(SCOPES) as [Scope, ...Scope[]])

const apiKeyShape = z.object({
  id: z.string().meta({ example: '12' }),
  name: z.string().meta({ example: 'my shop' }),
  prefix: z.string().meta({ example: 'sk_AbCdEf' }),
  scopes: z.array(z.string()),
  allowed_ips: z.array(z.string()).meta({ example: ['192.0.2.0/24'] }),
  legacy_get: z.boolean(),
  created_at: z.iso.datetime(),
  expires_at: z.iso.datetime().nullable(),
  last_used_at: z.iso.datetime().nullable(),
})

const signIn = z.strictObject({
  email: z.string().min(1).max(EMAIL_MAX).meta({ example: 'ada@example.com' }),
  password: z.string().min(1).max(PASSWORD_MAX),
})

const newKey = z.strictObject({
  name: z.string().min(1).max(NAME_MAX).meta({ example: 'my shop' }),
  scopes: z.array(scope).min(1).max(20).optional(),
  allowed_ips: z.array(z.string().max(50)).max(ALLOWED_IPS_MAX).optional(),
  legacy_get: z.boolean().optional(),
  expires_at: z.iso.datetime({ offset: true }).optional(),
})

const keyId = z.object({ id: z.string().regex(/^[1-9]\d{0,17}$/) })

/** Sessions, the signed-in user, and a user's own API keys. Register it under a scope that `guardRoutes` guards. */
export function identityRoutes(app: App, authentication: Authentication): FastifyPluginAsyncZod {
  return async (server) => {
    await server.register(sessionRoutes(app, authentication))
    await server.register(apiKeyRoutes(app))
  }
}

function sessionRoutes(app: App, authentication: Authentication): FastifyPluginAsyncZod {
  return async (server) => {
    server.post(
      '/api/v1/sessions',
      {
        config: { permission: null, idempotent: 'each sign-in is a session of its own, and a lost one runs out' },
        schema: {
          summary: 'Sign in',
          description: 'Answers a bearer token and sets it as a cookie too.',
          tags: ['account'],
          body: signIn,
          response: { 201: z.object({ token: z.string(), expires_at: z.iso.datetime(), user: userShape }) },
        },
      },
      async (request, reply) => {
        // Otherwise another site's form could sign a browser in to the attacker's account.
        refuseForeignOrigin(authentication, request, 'may be absent')
        const { token, expires_at, user } = await createSession(app, authentication.sign_in_limits, {
          ...request.body,
          ip: request.ip,
          user_agent: request.headers['user-agent'] ?? '',
        })
        reply.header('set-cookie', sessionCookie(request, token, expires_at)).header('cache-control', 'no-store')
        return reply.code(201).send({ token, expires_at: expires_at.toISOString(), user: userView(user) })
      },
    )

    server.delete(
      '/api/v1/sessions/current',
      {
        config: { permission: 'sessions:end:own' },
        schema: { summary: 'Sign out', tags: ['account'], response: { 204: z.null() } },
      },
      async (request, reply) => {
        const presented = presentedBy(request.headers)
        if ('token' in presented) await endSession(app, presented.token)
        return reply.code(204).header('set-cookie', endedCookie(request)).send(null)
      },
    )

    server.get(
      '/api/v1/me',
      {
        config: { permission: 'account:read:own' },
        schema: { summary: 'Who am I', tags: ['account'], response: { 200: meShape } },
      },
      async (request) => meView(app, principalOf(request)),
    )
  }
}

function apiKeyRoutes(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    server.get(
      '/api/v1/api-keys',
      {
        config: { permission: 'api-keys:read:own' },
        schema: {
          summary: 'List my API keys',
          tags: ['account'],
          response: { 200: z.object({ data: z.array(apiKeyShape) }) },
        },
      },
      async (request) => ({ data: (await apiKeysOf(app, principalOf(request).user_id)).map(apiKeyView) }),
    )

    server.post(
      '/api/v1/api-keys',
      {
        config: { permission: 'api-keys:create:own', idempotent: true },
        schema: {
          summary: 'Make an API key',
          description: 'The key is in this answer and never shown again.',
          tags: ['account'],
          body: newKey,
          response: { 201: apiKeyShape.extend({ key: z.string() }) },
        },
      },
      (request, reply) =>
        once(request, reply, 201, async (within) => {
          const { expires_at, scopes, allowed_ips, legacy_get, name } = request.body
          const { key, api_key } = await createApiKey(within, {
            user_id: principalOf(request).user_id,
            name,
            scopes: scopes ?? ['*'],
            allowed_ips: allowed_ips ?? [],
            legacy_get: legacy_get ?? false,
            ...(expires_at === undefined ? {} : { expires_at: new Date(expires_at) }),
          })
          reply.header('cache-control', 'no-store')
          return { ...apiKeyView(api_key), key }
        }),
    )

    server.delete(
      '/api/v1/api-keys/:id',
      {
        config: { permission: 'api-keys:revoke:own' },
        schema: { summary: 'Revoke an API key', tags: ['account'], params: keyId, response: { 204: z.null() } },
      },
      async (request, reply) => {
        await revokeApiKey(app, { user_id: principalOf(request).user_id, key_id: BigInt(request.params.id) })
        return reply.code(204).send(null)
      },
    )
  }
}

async function meView(app: App, principal: Principal): Promise<z.output<typeof meShape>> {
  const user = await userById(app, principal.user_id)
  if (!user) throw new UnauthenticatedError()
  const { permissions, via, scopes } = principal
  return { user: userView(user), permissions: [...permissions], via, scopes: [...scopes] }
}

function userView(user: User): z.output<typeof userShape> {
  const { id, email, name, role, locale, created_at } = user
  return { id: id.toString(), email, name, role, locale, created_at: created_at.toISOString() }
}

function apiKeyView(key: ApiKey): z.output<typeof apiKeyShape> {
  const { user_id: _, ...shown } = key
  return {
    ...shown,
    id: key.id.toString(),
    created_at: key.created_at.toISOString(),
    expires_at: key.expires_at?.toISOString() ?? null,
    last_used_at: key.last_used_at?.toISOString() ?? null,
  }
}
