import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { App } from '#server/platform/app.ts'
import { actorOf } from '../actor-of.ts'
import { refuseForeignOrigin } from '../authenticate.ts'
import type { Authentication } from '../authentication.ts'
import { CAPTCHA_TOKEN_MAX, checkCaptcha } from '../captcha/check-captcha.ts'
import { clientOf } from '../sessions/client.ts'
import { EMAIL_MAX, LOCALES, NAME_MAX, PASSWORD_MAX, PASSWORD_MIN } from '../user.ts'
import { registrationOpen } from './account-settings.ts'
import { askPasswordReset } from './ask-password-reset.ts'
import { confirmEmail } from './confirm-email.ts'
import { confirmEmailChange } from './confirm-email-change.ts'
import { register } from './register.ts'
import { resendConfirmation } from './resend-confirmation.ts'
import { resetPassword } from './reset-password.ts'

const email = z.string().min(1).max(EMAIL_MAX).meta({ example: 'ada@example.com' })
const password = z.string().min(1).max(PASSWORD_MAX).meta({ example: 'correct horse battery' })
const captcha = z
  .string()
  .min(1)
  .max(CAPTCHA_TOKEN_MAX)
  .optional()
  .meta({ description: 'The token of the captcha, where one is configured.' })
const token = z
  .string()
  .min(1)
  .max(100)
  .meta({ description: 'What stands behind the # of the link.', example: 'ol_17.…' })

const registration = z.strictObject({
  email,
  password,
  name: z.string().max(NAME_MAX).default('').meta({ example: 'Ada' }),
  locale: z.enum(LOCALES).default('en'),
  captcha,
})

const reset = z.strictObject({ email, captcha })

const newPassword = z.strictObject({
  token,
  password,
  revoke_api_keys: z.boolean().default(false).meta({ description: 'Whether my API keys end too.' }),
})

const optionsShape = z.object({
  registration_open: z.boolean(),
  captcha: z.object({ provider: z.literal('turnstile'), site_key: z.string() }).nullable(),
  password: z.object({ min: z.int(), max: z.int() }),
  locales: z.array(z.string()),
})

const addressShape = z.object({ email: z.string().meta({ example: 'ada@example.com' }) })
const handle = z.string().min(1).max(100).meta({ description: 'Asks for the mail again.', example: 'rg_…' })
const TAGS = ['account']
const PUBLIC = {
  permission: null,
  rate_class: 'signing_in',
  idempotent: 'a repeated request answers the same: a known address is only mailed, and each link works once',
} as const

/** What everyone may send without signing in: registrations, forgotten passwords, and the tokens of mailed links. */
export function publicAccountRoutes(app: App, authentication: Authentication): FastifyPluginAsyncZod {
  return async (server) => {
    // What another site's page may not start in someone's browser.
    server.addHook('preValidation', async (request) => refuseForeignOrigin(authentication, request, 'may be absent'))
    await server.register(registrations(app, authentication))
    await server.register(passwordResets(app, authentication))
    await server.register(links(app, authentication))
  }
}

function registrations(app: App, { forms }: Authentication): FastifyPluginAsyncZod {
  return async (server) => {
    server.get(
      '/api/v1/registrations/options',
      {
        config: { permission: null },
        schema: {
          summary: 'What a registration needs',
          description: 'Whether registration is open, the captcha to be solved, and the bounds of a password.',
          tags: TAGS,
          response: { 200: optionsShape },
        },
      },
      async () => ({
        registration_open: app.settings.read(registrationOpen),
        captcha: app.config.captcha ? { provider: 'turnstile' as const, site_key: app.config.captcha.site_key } : null,
        password: { min: PASSWORD_MIN, max: PASSWORD_MAX },
        locales: [...LOCALES],
      }),
    )

    server.post(
      '/api/v1/registrations',
      {
        config: PUBLIC,
        schema: {
          summary: 'Register as a customer',
          description:
            'The answer is the same whether or not the address has an account. A mail with a link goes to it; the account exists when the link has been opened. The owner of an address that has an account gets a notice instead.',
          tags: TAGS,
          body: registration,
          response: { 202: z.object({ registration: handle }) },
        },
      },
      async (request, reply) => {
        const { captcha: solved, ...input } = request.body
        await forms.take('registration', request.ip)
        await checkCaptcha(app, { token: solved, action: 'register', ip: request.ip })
        const made = await register(app, input)
        return reply.code(202).header('cache-control', 'no-store').send({ registration: made.handle })
      },
    )

    server.post(
      '/api/v1/registrations/mails',
      {
        config: PUBLIC,
        schema: {
          summary: 'Send the mail of my registration again',
          description: 'By what the registration was answered with. At most five mails go to one address in an hour.',
          tags: TAGS,
          body: z.strictObject({ registration: handle }),
          response: { 202: z.null() },
        },
      },
      async (request, reply) => {
        await forms.take('mail', request.ip)
        await resendConfirmation(app, request.body.registration)
        return reply.code(202).send(null)
      },
    )
  }
}

function passwordResets(app: App, { forms, secrets }: Authentication): FastifyPluginAsyncZod {
  return async (server) => {
    server.post(
      '/api/v1/password-resets',
      {
        config: PUBLIC,
        schema: {
          summary: 'Ask for a new password',
          description:
            'The answer is the same whether or not the address has an account. If it has, a link goes to it, which works for an hour.',
          tags: TAGS,
          body: reset,
          response: { 202: z.null() },
        },
      },
      async (request, reply) => {
        await forms.take('reset', request.ip)
        await checkCaptcha(app, { token: request.body.captcha, action: 'reset', ip: request.ip })
        const { ip, user_agent } = clientOf(request)
        await askPasswordReset(app, { email: request.body.email, ip, user_agent })
        return reply.code(202).send(null)
      },
    )

    server.post(
      '/api/v1/password-resets/completion',
      {
        config: PUBLIC,
        schema: {
          summary: 'Set a new password',
          description:
            'By the token of the mailed link, of a reset or of an invitation. All sessions end. API keys go on unless `revoke_api_keys` says otherwise; a second factor stays.',
          tags: TAGS,
          body: newPassword,
          response: { 200: addressShape },
        },
      },
      async (request) => {
        await forms.take('link', request.ip)
        return resetPassword(app, secrets, { ...request.body, by: actorOf(request) })
      },
    )
  }
}

function links(app: App, { forms, secrets }: Authentication): FastifyPluginAsyncZod {
  return async (server) => {
    server.post(
      '/api/v1/email-confirmations',
      {
        config: PUBLIC,
        schema: {
          summary: 'Confirm an e-mail address',
          description: 'By the token of the mailed link. It does not sign in: the password does.',
          tags: TAGS,
          body: z.strictObject({ token }),
          response: { 200: addressShape },
        },
      },
      async (request) => {
        await forms.take('link', request.ip)
        return confirmEmail(app, secrets, { token: request.body.token, by: actorOf(request) })
      },
    )

    server.post(
      '/api/v1/email-changes/confirmations',
      {
        config: PUBLIC,
        schema: {
          summary: 'Agree to a change of e-mail address',
          description: 'By the token of one of the two mailed links; the change is made when both have been opened.',
          tags: TAGS,
          body: z.strictObject({ token }),
          response: { 200: z.object({ state: z.enum(['waiting_for_the_other', 'changed']) }) },
        },
      },
      async (request) => {
        await forms.take('link', request.ip)
        return confirmEmailChange(app, secrets, { token: request.body.token, by: actorOf(request) })
      },
    )
  }
}
