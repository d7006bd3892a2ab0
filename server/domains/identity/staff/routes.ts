import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { App } from '#server/platform/app.ts'
import { keysetCursor } from '#server/platform/http/cursor.ts'
import { once } from '#server/platform/idempotency/once.ts'
import { STAFF_AREAS } from '../areas/area.ts'
import { principalOf } from '../guard-routes.ts'
import { editorOf } from '../rights/editor.ts'
import { EMAIL_MAX, LOCALES, NAME_MAX, REASON_MAX } from '../user.ts'
import { userShape, userView } from '../user-view.ts'
import { blockUser } from './block-user.ts'
import { editUser } from './edit-user.ts'
import { endUserSessions } from './end-user-sessions.ts'
import { findUser } from './find-user.ts'
import { inviteUser } from './invite-user.ts'
import { countUsers, listUsers, USERS_PAGE_MAX } from './list-users.ts'
import { resendInvitation } from './resend-invitation.ts'
import { resetTwoFactor } from './reset-two-factor.ts'
import { unblockUser } from './unblock-user.ts'
import { listedShape, listedView, profileShape, profileView } from './user-views.ts'

type StaffApp = App

const tags = ['staff']

/** Users as staff see and handle them, at the doors of all areas of staff: what each may see and do, their permissions say. */
export function staffRoutes(app: StaffApp): FastifyPluginAsyncZod {
  return async (server) => {
    await server.register(inviteRoutes())
    await server.register(twoFactorRoute(app))
    for (const area of STAFF_AREAS) {
      for (const routes of [listRoutes, profileRoutes, blockRoutes, sessionRoutes]) {
        await server.register(routes(app), { prefix: `/api/${area}` })
      }
    }
  }
}

const userId = z.object({ id: z.string().regex(/^[1-9]\d{0,17}$/, 'must be a number') })

const sentShape = z.object({
  email: z.string().meta({ description: 'Where it was sent.', example: 'grace@example.com' }),
  expires_at: z.iso.datetime().meta({ description: 'Until when its link works.' }),
})

function inviteRoutes(): FastifyPluginAsyncZod {
  return async (server) => {
    server.post(
      '/api/admin/users',
      {
        config: { permission: 'users:create:{role}', idempotent: true },
        schema: {
          summary: 'Invite a user',
          description:
            'The user gets a link by mail that works once and by which they choose a password; nobody else knows one. 403 `not_held` for a role that may do more than you; 409 `email_taken`.',
          tags,
          body: z.strictObject({
            email: z.string().min(1).max(EMAIL_MAX).meta({ example: 'grace@example.com' }),
            role: z.string().min(1).max(40).meta({ example: 'support' }),
            name: z.string().max(NAME_MAX).optional(),
            locale: z.enum(LOCALES).optional(),
          }),
          response: { 201: userShape },
        },
      },
      (request, reply) =>
        once(request, reply, 201, async (within) => {
          return userView(await inviteUser(within, editorOf(request), request.body))
        }),
    )

    server.post(
      '/api/admin/users/:id/invitation',
      {
        config: { permission: 'users:create:{role}', idempotent: true },
        schema: {
          summary: 'Send an invitation again',
          description:
            'To a user who has not chosen a password yet: the mail was lost, or its link has expired. Links sent before no longer work. 409 `no_open_invitation`; 403 `more_rights`; 429 `too_many_mails`.',
          tags,
          params: userId,
          response: { 201: sentShape },
        },
      },
      (request, reply) =>
        once(request, reply, 201, async (within) => {
          const { email, expires_at } = await resendInvitation(within, editorOf(request), BigInt(request.params.id))
          return { email, expires_at: expires_at.toISOString() }
        }),
    )
  }
}

function twoFactorRoute(app: StaffApp): FastifyPluginAsyncZod {
  return async (server) => {
    server.post(
      '/api/admin/users/:id/reset-2fa',
      {
        config: { permission: 'users:reset-2fa:{role}:{id}', idempotent: 'a second time there is none to remove' },
        schema: {
          summary: 'Remove the second factor of a user',
          description: 'For who has lost it. They are told, and their sessions end.',
          tags,
          params: userId,
          body: because,
          response: { 204: z.null() },
        },
      },
      async (request, reply) => {
        await resetTwoFactor(app, editorOf(request), { user_id: BigInt(request.params.id), ...request.body })
        return reply.code(204).send(null)
      },
    )
  }
}

const PAGE_DEFAULT = 20

/** Newest first: a page begins below the user that ended the one before. */
const cursor = keysetCursor({ id: 'bigint' })

const filter = z.object({
  q: z
    .string()
    .trim()
    .min(1)
    .max(EMAIL_MAX)
    .optional()
    .meta({ description: 'The beginning of an address or a name, or a whole id.', example: 'ada@' }),
  role: z.string().max(40).optional().meta({ example: 'customer' }),
  state: z.enum(['active', 'blocked']).optional(),
  created_from: z.iso.datetime({ offset: true }).optional().meta({ description: 'At or after.' }),
  created_to: z.iso.datetime({ offset: true }).optional().meta({ description: 'Before.' }),
})

const page = filter.extend({
  limit: z.coerce.number().int().min(1).max(USERS_PAGE_MAX).default(PAGE_DEFAULT),
  cursor: z.string().optional().meta({ description: 'From `next_cursor` or the Link header of the page before.' }),
})

const listShape = z.object({
  data: z.array(listedShape),
  has_more: z.boolean(),
  next_cursor: z.string().nullable(),
})

const countsShape = z.object({
  total: z.number().int(),
  data: z.array(z.object({ role: z.string(), state: z.enum(['active', 'blocked']), users: z.number().int() })),
})

const read = { permission: 'users:read:{role}:{id}' }

function listRoutes(app: StaffApp): FastifyPluginAsyncZod {
  const config = read
  return async (server) => {
    server.get(
      '/users',
      {
        config,
        schema: {
          summary: 'Search users',
          description: 'Newest first, and those alone whom you may see. The next page is at `Link: <…>; rel="next"`.',
          tags,
          querystring: page,
          response: { 200: listShape },
        },
      },
      async (request, reply) => {
        const { limit, cursor: given, ...asked } = request.query
        const before = given === undefined ? undefined : cursor.decode(given).id
        const { users, has_more } = await listUsers(app, principalOf(request), filterOf(asked), { before, limit })
        return { data: users.map(listedView), ...cursor.next(request, reply, users, has_more) }
      },
    )

    server.get(
      '/users/counts',
      {
        config,
        schema: {
          summary: 'Count users by role and state',
          description: 'By the filters of the list, and those alone whom you may see.',
          tags,
          querystring: filter,
          response: { 200: countsShape },
        },
      },
      async (request) => {
        const data = await countUsers(app, principalOf(request), filterOf(request.query))
        return { total: data.reduce((sum, each) => sum + each.users, 0), data }
      },
    )
  }
}

function filterOf({ created_from, created_to, ...rest }: z.output<typeof filter>) {
  return {
    ...rest,
    created_from: created_from === undefined ? undefined : new Date(created_from),
    created_to: created_to === undefined ? undefined : new Date(created_to),
  }
}

const because = z.strictObject({
  reason: z.string().trim().min(1).max(REASON_MAX).meta({ description: 'Why; kept in the audit.', example: 'Fraud.' }),
})

function profileRoutes(app: StaffApp): FastifyPluginAsyncZod {
  const config = read
  return async (server) => {
    server.get(
      '/users/:id',
      {
        config,
        schema: {
          summary: 'One user',
          description: '404 also for whom you may not see.',
          tags,
          params: userId,
          response: { 200: profileShape },
        },
      },
      async (request) => profileView(await findUser(app, principalOf(request), BigInt(request.params.id))),
    )

    server.patch(
      '/users/:id',
      {
        config: { permission: 'users:edit:{role}:{id}' },
        schema: {
          summary: 'Correct a user’s name or language',
          tags,
          params: userId,
          body: z.strictObject({ name: z.string().max(NAME_MAX).optional(), locale: z.enum(LOCALES).optional() }),
          response: { 204: z.null() },
        },
      },
      async (request, reply) => {
        await editUser(app, editorOf(request), { user_id: BigInt(request.params.id), ...request.body })
        return reply.code(204).send(null)
      },
    )
  }
}

const AGAIN_IS_NOTHING = 'doing it again does nothing'

function blockRoutes(app: StaffApp): FastifyPluginAsyncZod {
  const config = { permission: 'users:block:{role}:{id}', idempotent: AGAIN_IS_NOTHING }
  return async (server) => {
    server.post(
      '/users/:id/block',
      {
        config,
        schema: {
          summary: 'Block a user',
          description:
            'Sessions end for good, keys stop while the block lasts, everywhere within a second. Again does nothing. 403 `more_rights`; 409 `own_account`, `last_administrator`.',
          tags,
          params: userId,
          body: because,
          response: { 204: z.null() },
        },
      },
      async (request, reply) => {
        await blockUser(app, editorOf(request), { user_id: BigInt(request.params.id), ...request.body })
        return reply.code(204).send(null)
      },
    )

    server.post(
      '/users/:id/unblock',
      {
        config,
        schema: {
          summary: 'Let a blocked user in again',
          description: 'Keys work as before; sessions are opened anew. Again does nothing.',
          tags,
          params: userId,
          body: because,
          response: { 204: z.null() },
        },
      },
      async (request, reply) => {
        await unblockUser(app, editorOf(request), { user_id: BigInt(request.params.id), ...request.body })
        return reply.code(204).send(null)
      },
    )
  }
}

function sessionRoutes(app: StaffApp): FastifyPluginAsyncZod {
  return async (server) => {
    server.post(
      '/users/:id/end-sessions',
      {
        config: { permission: 'users:end-sessions:{role}:{id}', idempotent: AGAIN_IS_NOTHING },
        schema: {
          summary: 'End all sessions of a user',
          description: 'Everywhere within a second. Keys go on.',
          tags,
          params: userId,
          body: because,
          response: { 200: z.object({ sessions: z.number().int().meta({ description: 'How many there were.' }) }) },
        },
      },
      async (request) => ({
        sessions: await endUserSessions(app, editorOf(request), {
          user_id: BigInt(request.params.id),
          ...request.body,
        }),
      }),
    )
  }
}
