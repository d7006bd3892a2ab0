import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { App } from '#server/platform/app.ts'
import { accountRoutes } from './accounts/account-routes.ts'
import { publicAccountRoutes } from './accounts/public-account-routes.ts'
import type { Authentication } from './authentication.ts'
import { UnauthenticatedError } from './errors.ts'
import { principalOf } from './guard-routes.ts'
import { apiKeyRoutes } from './keys/api-key-routes.ts'
import { accountPages } from './pages/page-routes.ts'
import type { Principal } from './principal.ts'
import { userById } from './queries.ts'
import { sessionRoutes } from './sessions/session-routes.ts'
import { signInRoutes } from './sessions/sign-in-routes.ts'
import { twoFactorRoutes } from './two-factor/two-factor-routes.ts'
import { userShape, userView } from './user-view.ts'

const meShape = z.object({
  user: userShape,
  permissions: z.array(z.string()).meta({ example: ['orders:*:own'] }),
  via: z.enum(['key', 'session']),
  scopes: z.array(z.string()).meta({ example: ['*'] }),
  must: z.enum(['confirm_email', 'enrol_totp']).nullable().meta({
    description: 'What has to be done before anything else.',
    example: null,
  }),
})

/** Accounts, sessions, the signed-in user, and a user's own API keys. Register it under a scope that `guardRoutes` guards. */
export function identityRoutes(app: App, authentication: Authentication): FastifyPluginAsyncZod {
  return async (server) => {
    await server.register(publicAccountRoutes(app, authentication))
    await server.register(accountPages)
    await server.register(signInRoutes(app, authentication, { path: '/api/v1/sessions', tag: 'account' }))
    await server.register(sessionRoutes(app))
    await server.register(accountRoutes(app, authentication))
    await server.register(twoFactorRoutes(app, authentication))
    await server.register(apiKeyRoutes(app))
    await server.register(meRoute(app))
  }
}

function meRoute(app: App): FastifyPluginAsyncZod {
  return async (server) => {
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

async function meView(app: App, principal: Principal): Promise<z.output<typeof meShape>> {
  const user = await userById(app, principal.user_id)
  if (!user) throw new UnauthenticatedError()
  const { permissions, via, scopes, must = null } = principal
  return { user: userView(user), permissions: [...permissions], via, scopes: [...scopes], must }
}
