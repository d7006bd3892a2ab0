import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { App } from '#server/platform/app.ts'
import { confirmPassword } from '../accounts/confirm-password.ts'
import { actorOf } from '../actor-of.ts'
import type { Authentication } from '../authentication.ts'
import { principalOf } from '../guard-routes.ts'
import { clientOf } from '../sessions/client.ts'
import { answerToken, sessionTokenOf, tokenShape } from '../sessions/session-answer.ts'
import type { SignInAttempts } from '../sessions/sign-in-attempts.ts'
import { PASSWORD_MAX } from '../user.ts'
import { confirmTotp } from './confirm-totp.ts'
import { disableTotp } from './disable-totp.ts'
import { enrolTotp } from './enrol-totp.ts'
import { renewRecoveryCodes } from './renew-recovery-codes.ts'

const password = z.string().min(1).max(PASSWORD_MAX)
const code = z.string().min(1).max(40).meta({ example: '123456' })
const codes = z.array(z.string()).meta({
  description: 'Each works once in place of a code of the app. Shown here and never again.',
  example: ['mfrg-gzdf-mztw-q2lk'],
})
const enrolment = z.object({
  secret: z.string().meta({ example: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP' }),
  uri: z.string().meta({ example: 'otpauth://totp/Saldo:ada%40example.com?…' }),
})
const CONFIG = {
  permission: 'account:two-factor:own',
  idempotent: 'each code is accepted once, and enrolling anew replaces what was not confirmed',
} as const

/** A user's own second factor: an authenticator app, with recovery codes. */
export function twoFactorRoutes(app: App, authentication: Authentication): FastifyPluginAsyncZod {
  return async (server) => {
    await server.register(settingUp(app, authentication))
    await server.register(switchedOn(app, authentication))
  }
}

function settingUp(app: App, { attempts, secrets }: Authentication): FastifyPluginAsyncZod {
  return async (server) => {
    server.post(
      '/api/v1/two-factor',
      {
        config: CONFIG,
        schema: {
          summary: 'Begin to set up a second factor',
          description:
            'Answers the secret for an authenticator app, and the URI that its QR code holds; both are shown here and never again. It counts from the confirmation on; until then it can be begun anew.',
          tags: ['account'],
          body: z.strictObject({ password }),
          response: { 200: enrolment },
        },
      },
      async (request, reply) => {
        const { user_id } = principalOf(request)
        const client = clientOf(request)
        await confirmPassword(app, attempts, { user_id, password: request.body.password, client, field: 'password' })
        reply.header('cache-control', 'no-store')
        return enrolTotp(app, secrets, user_id)
      },
    )

    server.post(
      '/api/v1/two-factor/confirmation',
      {
        config: CONFIG,
        schema: {
          summary: 'Switch the second factor on',
          description:
            'Takes a first code of the app. Answers the recovery codes and a new token for this session; all other sessions end.',
          tags: ['account'],
          body: z.strictObject({ code }),
          response: { 200: tokenShape.extend({ recovery_codes: codes }) },
        },
      },
      async (request, reply) => {
        const { user_id } = principalOf(request)
        const input = { user_id, code: request.body.code, token: sessionTokenOf(request), by: actorOf(request) }
        const done = await bounded(attempts, user_id, request.ip, () => confirmTotp(app, secrets, input))
        const session = answerToken(request, reply, done.session, app.clock.now())
        return { ...session, recovery_codes: done.recovery_codes }
      },
    )
  }
}

function switchedOn(app: App, { attempts, secrets }: Authentication): FastifyPluginAsyncZod {
  return async (server) => {
    server.post(
      '/api/v1/two-factor/removal',
      {
        config: CONFIG,
        schema: {
          summary: 'Switch the second factor off',
          description: 'Takes the password and a code. Answers a new token for this session.',
          tags: ['account'],
          body: z.strictObject({ password, code }),
          response: { 200: tokenShape },
        },
      },
      async (request, reply) => {
        const { user_id } = principalOf(request)
        const client = clientOf(request)
        await confirmPassword(app, attempts, { user_id, password: request.body.password, client, field: 'password' })
        const input = { user_id, code: request.body.code, token: sessionTokenOf(request), by: actorOf(request) }
        const session = await bounded(attempts, user_id, request.ip, () => disableTotp(app, secrets, input))
        return answerToken(request, reply, session, app.clock.now())
      },
    )

    server.post(
      '/api/v1/two-factor/recovery-codes',
      {
        config: CONFIG,
        schema: {
          summary: 'Make new recovery codes',
          description: 'Takes a code of the app or a recovery code; all recovery codes before count no more.',
          tags: ['account'],
          body: z.strictObject({ code }),
          response: { 200: z.object({ recovery_codes: codes }) },
        },
      },
      async (request, reply) => {
        const { user_id } = principalOf(request)
        const input = { user_id, code: request.body.code, by: actorOf(request) }
        const made = await bounded(attempts, user_id, request.ip, () => renewRecoveryCodes(app, secrets, input))
        reply.header('cache-control', 'no-store')
        return { recovery_codes: made }
      },
    )
  }
}

/** Who has found a session must not guess codes with it. */
async function bounded<T>(attempts: SignInAttempts, user_id: bigint, ip: string, work: () => Promise<T>): Promise<T> {
  const attempt = { account: `codes of ${user_id}`, ip, known_device: undefined, known_network: true }
  await attempts.take(attempt)
  const done = await work()
  await attempts.giveBack(attempt, 'success')
  return done
}
