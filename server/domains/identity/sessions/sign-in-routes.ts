import type { FastifyReply, FastifyRequest } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { App } from '#server/platform/app.ts'
import { refuseForeignOrigin } from '../authenticate.ts'
import type { Authentication } from '../authentication.ts'
import { CAPTCHA_TOKEN_MAX } from '../captcha/check-captcha.ts'
import type { Area } from '../principal.ts'
import { EMAIL_MAX, PASSWORD_MAX } from '../user.ts'
import { userShape, userView } from '../user-view.ts'
import { clientOf } from './client.ts'
import { createSession, type SecondFactorAsked, type SignedIn } from './create-session.ts'
import { finishSignIn } from './finish-sign-in.ts'
import { answerToken, tokenShape } from './session-answer.ts'

const signIn = z.strictObject({
  email: z.string().min(1).max(EMAIL_MAX).meta({ example: 'ada@example.com' }),
  password: z.string().min(1).max(PASSWORD_MAX).meta({ example: 'correct horse battery' }),
  captcha: z.string().min(1).max(CAPTCHA_TOKEN_MAX).optional(),
})

const secondFactor = z.strictObject({
  challenge: z.string().min(1).max(100).meta({ example: 'sc_…' }),
  code: z.string().min(1).max(40).meta({ example: '123456' }),
})

const signedIn = tokenShape.extend({ user: userShape })

const challengeShape = z
  .object({
    challenge: z.string().meta({ example: 'sc_…' }),
    expires_at: z.iso.datetime(),
    second_factors: z.array(z.string()).meta({ example: ['totp', 'recovery_code'] }),
  })
  .meta({ description: 'The password was right; the second factor is still to be shown.' })

/** Where a sign-in is. With `area` only people of its roles come in, and the session is one of that area. */
export interface SignInDoor {
  path: string
  area?: Area
  /** Of the OpenAPI document. */
  tag: string
}

/** The two steps of signing in: at the door's path, and at `<path>/second-factor`. */
export function signInRoutes(app: App, authentication: Authentication, door: SignInDoor): FastifyPluginAsyncZod {
  return async (server) => {
    await server.register(firstStep(app, authentication, door))
    await server.register(secondStep(app, authentication, door))
  }
}

function firstStep(app: App, authentication: Authentication, { path, area, tag }: SignInDoor): FastifyPluginAsyncZod {
  return async (server) => {
    server.post(
      path,
      {
        config: {
          permission: null,
          rate_class: 'signing_in',
          idempotent: 'each sign-in is a session of its own, and a lost one runs out',
        },
        schema: {
          summary: 'Sign in',
          description:
            'Answers a bearer token and sets it as a cookie too. With a second factor it answers 202 and a challenge, which the second step takes. After failures a captcha may be asked for: 403 `captcha_required` with the site key.',
          tags: [tag],
          body: signIn,
          response: { 201: signedIn, 202: challengeShape },
        },
      },
      async (request, reply) => {
        // Otherwise another site's form could sign a browser in to the attacker's account.
        refuseForeignOrigin(authentication, request, 'may be absent')
        const { captcha, ...credentials } = request.body
        const outcome = await createSession(app, authentication.attempts, {
          ...credentials,
          client: clientOf(request),
          ...(area !== undefined && { area }),
          ...(captcha !== undefined && { captcha }),
        })
        if ('challenge' in outcome) return answerChallenge(reply, outcome)
        return reply.code(201).send(signedInView(app, request, reply, outcome))
      },
    )
  }
}

function secondStep(app: App, authentication: Authentication, { path, tag }: SignInDoor): FastifyPluginAsyncZod {
  const { attempts, secrets } = authentication
  return async (server) => {
    server.post(
      `${path}/second-factor`,
      {
        config: {
          permission: null,
          rate_class: 'signing_in',
          idempotent: 'each sign-in is a session of its own, and a lost one runs out',
        },
        schema: {
          summary: 'Sign in, second step',
          description:
            'Takes the challenge of the first step and a code of the authenticator app, or one of the recovery codes. Each code works once.',
          tags: [tag],
          body: secondFactor,
          response: { 201: signedIn },
        },
      },
      async (request, reply) => {
        refuseForeignOrigin(authentication, request, 'may be absent')
        const outcome = await finishSignIn(app, secrets, attempts, { ...request.body, client: clientOf(request) })
        return reply.code(201).send(signedInView(app, request, reply, outcome))
      },
    )
  }
}

function signedInView(app: App, request: FastifyRequest, reply: FastifyReply, outcome: SignedIn) {
  return { ...answerToken(request, reply, outcome, app.clock.now()), user: userView(outcome.user) }
}

function answerChallenge(reply: FastifyReply, { challenge, expires_at }: SecondFactorAsked): FastifyReply {
  const second_factors = ['totp', 'recovery_code']
  return reply
    .code(202)
    .header('cache-control', 'no-store')
    .send({ challenge, expires_at: expires_at.toISOString(), second_factors })
}
