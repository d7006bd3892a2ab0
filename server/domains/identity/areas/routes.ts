import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { App } from '#server/platform/app.ts'
import type { Authentication } from '../authentication.ts'
import { UnauthenticatedError } from '../errors.ts'
import { principalOf } from '../guard-routes.ts'
import { AREAS, type Area } from '../principal.ts'
import { userById } from '../queries.ts'
import { signInRoutes } from '../sessions/sign-in-routes.ts'

const meShape = z.object({
  area: z.enum(AREAS),
  user: z.object({
    id: z.string().meta({ example: '7' }),
    email: z.string().meta({ example: 'grace@example.com' }),
    name: z.string().meta({ example: 'Grace' }),
    role: z.string().meta({ example: 'support' }),
    locale: z.string().meta({ example: 'en' }),
  }),
  staff: z.boolean(),
  permissions: z.array(z.string()).meta({ description: 'Patterns.', example: ['users:read:customer:{id}'] }),
  denied: z.array(z.string()).meta({ description: 'Patterns that are stronger than any permission.', example: [] }),
  must: z.enum(['confirm_email', 'enrol_totp']).nullable().meta({
    description: 'What has to be done before anything else.',
    example: null,
  }),
})

/** What each area has for those who are at home in it: a door where they sign in, and who they are. */
export function areaRoutes(app: App, authentication: Authentication): FastifyPluginAsyncZod {
  return async (server) => {
    for (const area of AREAS) {
      await server.register(signInRoutes(app, authentication, { path: `/api/${area}/sessions`, area, tag: 'areas' }))
      await server.register(meRoute(app, area))
    }
  }
}

function meRoute(app: Pick<App, 'db'>, area: Area): FastifyPluginAsyncZod {
  return async (server) => {
    server.get(
      `/api/${area}/me`,
      {
        config: { permission: 'account:read:own' },
        schema: {
          summary: `Who am I in the area ${area}`,
          description: '401 also for a session that was opened elsewhere.',
          tags: ['areas'],
          response: { 200: meShape },
        },
      },
      async (request) => {
        const { user_id, staff, permissions, denied, must = null } = principalOf(request)
        const user = await userById(app, user_id)
        if (!user) throw new UnauthenticatedError()
        const { email, name, role, locale } = user
        const shown = { id: String(user_id), email, name, role, locale }
        return { area, user: shown, staff, permissions: [...permissions], denied: [...denied], must }
      },
    )
  }
}
