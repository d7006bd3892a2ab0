import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { presentedBy, SESSION_COOKIE } from '../authenticate.ts'
import { UnauthenticatedError } from '../errors.ts'
import { DEVICE_COOKIE } from './client.ts'
import { cookieAway, cookieTo } from './cookies.ts'
import { DEVICE_TTL_MS } from './known-devices.ts'

/** The token of a session, in the body for programs; browsers have it in the cookie. */
export const tokenShape = z.object({
  token: z.string().meta({ example: 'ss_…' }),
  expires_at: z.iso.datetime(),
})

/** Gives the client the token of its session, in the answer and as a cookie, and to the browser the token by which it is known again. */
export function answerToken(
  request: FastifyRequest,
  reply: FastifyReply,
  session: { token: string; expires_at: Date; device_token?: string | undefined },
  now: Date,
): z.output<typeof tokenShape> {
  const { token, expires_at, device_token } = session
  const cookies = [cookieTo(request, SESSION_COOKIE, token, expires_at)]
  if (device_token !== undefined) {
    cookies.push(cookieTo(request, DEVICE_COOKIE, device_token, new Date(now.getTime() + DEVICE_TTL_MS)))
  }
  reply.header('set-cookie', cookies).header('cache-control', 'no-store')
  return { token, expires_at: expires_at.toISOString() }
}

/** Takes the session's cookie away. */
export function answerSignedOut(request: FastifyRequest, reply: FastifyReply): void {
  reply.header('set-cookie', cookieAway(request, SESSION_COOKIE))
}

/** The token of the session that sends this request, on a route that keys do not reach. Throws UnauthenticatedError. */
export function sessionTokenOf(request: FastifyRequest): string {
  const presented = presentedBy(request)
  if (!('token' in presented)) throw new UnauthenticatedError()
  return presented.token
}
