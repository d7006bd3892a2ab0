import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { App } from '#server/platform/app.ts'
import { actorOf } from '../actor-of.ts'
import type { Authentication } from '../authentication.ts'
import { principalOf } from '../guard-routes.ts'
import { clientOf } from '../sessions/client.ts'
import { answerToken, sessionTokenOf, tokenShape } from '../sessions/session-answer.ts'
import { EMAIL_MAX, LOCALES, NAME_MAX, PASSWORD_MAX } from '../user.ts'
import { userShape, userView } from '../user-view.ts'
import { askConfirmationMail } from './ask-confirmation-mail.ts'
import { askEmailChange } from './ask-email-change.ts'
import { changePassword } from './change-password.ts'
import { editProfile } from './edit-profile.ts'
import { type Profile, profileOf } from './profile.ts'

const profileShape = userShape.extend({
  time_zone: z.string().meta({ example: 'Europe/Berlin' }),
  email_confirmed: z.boolean(),
  new_email: z.string().nullable().meta({ description: 'The address that waits to be confirmed.', example: null }),
  password_changed_at: z.iso.datetime().nullable(),
  two_factor: z.boolean(),
  recovery_codes_left: z.int().meta({ example: 10 }),
})

const profileChange = z.strictObject({
  name: z.string().max(NAME_MAX).optional(),
  locale: z.enum(LOCALES).optional(),
  time_zone: z.string().min(1).max(64).optional().meta({ example: 'Asia/Dhaka' }),
})

const password = z.string().min(1).max(PASSWORD_MAX)
const passwordChange = z.strictObject({ current_password: password, new_password: password })
const emailChange = z.strictObject({
  new_email: z.string().min(1).max(EMAIL_MAX).meta({ example: 'ada@example.org' }),
  password,
})

const TAGS = ['account']
const SECURE = {
  permission: 'account:secure:own',
  idempotent: 'setting what is set already changes nothing more, and each link works once',
} as const

/** A user's own profile, password and address. */
export function accountRoutes(app: App, authentication: Authentication): FastifyPluginAsyncZod {
  return async (server) => {
    await server.register(profile(app))
    await server.register(passwordAndAddress(app, authentication))
  }
}

function profile(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    server.get(
      '/api/v1/profile',
      {
        config: { permission: 'account:read:own' },
        schema: { summary: 'My profile', tags: TAGS, response: { 200: profileShape } },
      },
      async (request) => profileView(await profileOf(app, principalOf(request).user_id)),
    )

    server.patch(
      '/api/v1/profile',
      {
        config: { permission: 'account:edit:own' },
        schema: {
          summary: 'Edit my profile',
          description: 'Name, language and time zone; what is left out stays.',
          tags: TAGS,
          body: profileChange,
          response: { 200: profileShape },
        },
      },
      async (request) => {
        const { user_id } = principalOf(request)
        const { name, locale, time_zone } = request.body
        const change = {
          ...(name !== undefined && { name }),
          ...(locale !== undefined && { locale }),
          ...(time_zone !== undefined && { time_zone }),
        }
        await editProfile(app, { user_id, change, by: actorOf(request) })
        return profileView(await profileOf(app, user_id))
      },
    )
  }
}

function passwordAndAddress(app: App, { attempts, forms }: Authentication): FastifyPluginAsyncZod {
  return async (server) => {
    server.post(
      '/api/v1/profile/password',
      {
        config: SECURE,
        schema: {
          summary: 'Change my password',
          description: 'Ends my other sessions, and answers a new token for this one. API keys stay.',
          tags: TAGS,
          body: passwordChange,
          response: { 200: tokenShape },
        },
      },
      async (request, reply) => {
        const { user_id } = principalOf(request)
        const from = { token: sessionTokenOf(request), client: clientOf(request), by: actorOf(request) }
        const session = await changePassword(app, attempts, { user_id, ...request.body, ...from })
        return answerToken(request, reply, session, app.clock.now())
      },
    )

    server.post(
      '/api/v1/profile/email',
      {
        config: SECURE,
        schema: {
          summary: 'Change my e-mail address',
          description: 'Links go to the old and to the new address; the change is made when both have been opened.',
          tags: TAGS,
          body: emailChange,
          response: { 202: z.null() },
        },
      },
      async (request, reply) => {
        const { user_id } = principalOf(request)
        const from = { client: clientOf(request), by: actorOf(request) }
        await askEmailChange(app, attempts, { user_id, ...request.body, ...from })
        return reply.code(202).send(null)
      },
    )

    server.post(
      '/api/v1/profile/confirmation-mails',
      {
        config: { permission: 'account:edit:own', idempotent: 'it mails the same link again, a few times a day' },
        schema: {
          summary: 'Send the mail that confirms my address again',
          tags: TAGS,
          response: { 202: z.null() },
        },
      },
      async (request, reply) => {
        await forms.take('mail', request.ip)
        await askConfirmationMail(app, principalOf(request).user_id)
        return reply.code(202).send(null)
      },
    )
  }
}

function profileView(of: Profile): z.output<typeof profileShape> {
  return {
    ...userView(of),
    time_zone: of.time_zone,
    email_confirmed: of.email_confirmed_at !== null,
    new_email: of.new_email,
    password_changed_at: of.password_changed_at?.toISOString() ?? null,
    two_factor: of.totp,
    recovery_codes_left: of.recovery_codes,
  }
}
