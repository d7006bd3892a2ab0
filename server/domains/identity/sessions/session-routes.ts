import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { App } from '#server/platform/app.ts'
import { actorOf } from '../actor-of.ts'
import { principalOf } from '../guard-routes.ts'
import { deviceWords } from './device-words.ts'
import { endOwnSessions } from './end-own-sessions.ts'
import { listSessions, type Session } from './list-sessions.ts'
import { answerSignedOut, sessionTokenOf } from './session-answer.ts'

const sessionShape = z.object({
  id: z.string().meta({ example: '41' }),
  device: z.string().meta({ example: 'Firefox on Linux' }),
  user_agent: z.string(),
  ip: z.string().nullable().meta({ example: '192.0.2.7' }),
  area: z.string().nullable().meta({ example: null }),
  created_at: z.iso.datetime(),
  last_seen_at: z.iso.datetime().meta({ description: 'To about a minute.' }),
  expires_at: z.iso.datetime(),
  current: z.boolean().meta({ description: 'The session that asks.' }),
})

const sessionId = z.object({ id: z.string().regex(/^[1-9]\d{0,17}$/) })

/** A user's own open sessions. */
export function sessionRoutes(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    await server.register(allSessions(app))
    await server.register(oneSession(app))
  }
}

function allSessions(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    server.get(
      '/api/v1/sessions',
      {
        config: { permission: 'sessions:read:own' },
        schema: {
          summary: 'List my sessions',
          description: 'Where I am signed in: the session that asks first, then the last seen. At most 100.',
          tags: ['account'],
          response: { 200: z.object({ data: z.array(sessionShape) }) },
        },
      },
      async (request) => {
        const { user_id } = principalOf(request)
        const sessions = await listSessions(app, { user_id, token: sessionTokenOf(request) })
        return { data: sessions.map(sessionView) }
      },
    )

    server.delete(
      '/api/v1/sessions',
      {
        config: { permission: 'sessions:end:own' },
        schema: {
          summary: 'Sign out everywhere',
          description: 'Ends all my other sessions, and with `current=end` the one that asks too. API keys stay.',
          tags: ['account'],
          querystring: z.object({ current: z.enum(['keep', 'end']).default('keep') }),
          response: { 200: z.object({ ended: z.int().meta({ example: 3 }) }) },
        },
      },
      async (request, reply) => {
        const { user_id } = principalOf(request)
        const ends = request.query.current === 'end'
        const which = ends ? ('all' as const) : { all_but: sessionTokenOf(request) }
        const ended = await endOwnSessions(app, { user_id, which, by: actorOf(request) })
        if (ends) answerSignedOut(request, reply)
        return { ended }
      },
    )
  }
}

function oneSession(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    server.delete(
      '/api/v1/sessions/current',
      {
        config: { permission: 'sessions:end:own' },
        schema: { summary: 'Sign out', tags: ['account'], response: { 204: z.null() } },
      },
      async (request, reply) => {
        const which = { token: sessionTokenOf(request) }
        await endOwnSessions(app, { user_id: principalOf(request).user_id, which, by: actorOf(request) })
        answerSignedOut(request, reply)
        return reply.code(204).send(null)
      },
    )

    server.delete(
      '/api/v1/sessions/:id',
      {
        config: { permission: 'sessions:end:own' },
        schema: {
          summary: 'End one of my sessions',
          tags: ['account'],
          params: sessionId,
          response: { 204: z.null() },
        },
      },
      async (request, reply) => {
        const which = { id: BigInt(request.params.id) }
        await endOwnSessions(app, { user_id: principalOf(request).user_id, which, by: actorOf(request) })
        return reply.code(204).send(null)
      },
    )
  }
}

function sessionView(session: Session): z.output<typeof sessionShape> {
  return {
    ...session,
    id: session.id.toString(),
    device: deviceWords(session.user_agent),
    created_at: session.created_at.toISOString(),
    last_seen_at: session.last_seen_at.toISOString(),
    expires_at: session.expires_at.toISOString(),
  }
}
