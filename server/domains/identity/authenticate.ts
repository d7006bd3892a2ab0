import { ProblemError } from '#server/platform/http/problem.ts'
import type { Authentication } from './authentication.ts'
import { ForeignOriginError, UnauthenticatedError } from './errors.ts'
import { checkApiKey } from './keys/check-api-key.ts'
import type { Principal } from './principal.ts'
import { checkSession } from './sessions/check-session.ts'
import { type CookieRequest, cookieOf } from './sessions/cookies.ts'

/** The name of the cookie that carries a session's token. */
export const SESSION_COOKIE = 'saldo_session'

/** What of a request tells who sends it. `ip` is the socket's address, or what a trusted proxy names. */
export interface PresentedRequest extends CookieRequest {
  readonly method: string
  readonly ip: string
}

/** How a request says who it is. */
export type Presented = { how: 'key'; key: string } | { how: 'bearer' | 'cookie'; token: string } | { how: 'nothing' }

/**
 * Who sends this request: `Authorization: Bearer <session token>`, `Authorization: ApiKey <key>`, `X-Api-Key: <key>` or the session's cookie, the first of them that is there.
 * Throws UnauthenticatedError, AddressNotAllowedError, and ForeignOriginError when a cookie from another site would change something.
 */
export async function authenticate(authentication: Authentication, request: PresentedRequest): Promise<Principal> {
  const presented = presentedBy(request)
  if (presented.how === 'nothing') throw new UnauthenticatedError()
  if (presented.how === 'cookie') refuseForeignOrigin(authentication, request, 'must be told')
  const outcome =
    presented.how === 'key'
      ? await checkApiKey(authentication, presented.key, request.ip)
      : await checkSession(authentication, presented.token)
  if (outcome instanceof ProblemError) throw outcome
  return outcome
}

/** What the request presents. A malformed Authorization presents an empty key: it is refused, the cookie is not tried in its place. */
export function presentedBy(request: CookieRequest): Presented {
  const { authorization } = request.headers
  if (authorization !== undefined) {
    const [, scheme = '', secret = ''] = /^([A-Za-z]{1,20}) +(\S{1,200})$/.exec(authorization) ?? []
    return scheme.toLowerCase() === 'bearer' ? { how: 'bearer', token: secret } : keyOf(scheme, secret)
  }
  const key = request.headers['x-api-key']
  if (key !== undefined) return { how: 'key', key: typeof key === 'string' ? key : '' }
  const token = cookieOf(request, SESSION_COOKIE)
  return token === undefined ? { how: 'nothing' } : { how: 'cookie', token }
}

function keyOf(scheme: string, secret: string): Presented {
  return { how: 'key', key: scheme.toLowerCase() === 'apikey' ? secret : '' }
}

const SAFE_METHODS = ['GET', 'HEAD', 'OPTIONS']

/**
 * Throws ForeignOriginError when a request that changes something was sent by another site's page. Browsers name the origin of every such request;
 * with `must be told`, one without a name is refused too.
 */
export function refuseForeignOrigin(
  authentication: Pick<Authentication, 'public_origin'>,
  request: PresentedRequest,
  without_origin: 'must be told' | 'may be absent',
): void {
  if (SAFE_METHODS.includes(request.method)) return
  const { origin } = request.headers
  if (origin === undefined && without_origin === 'may be absent') return
  if (origin === undefined || !isOurs(authentication.public_origin, origin, request.headers.host)) {
    throw new ForeignOriginError()
  }
}

/** The public address where it is known; otherwise the host that the browser itself addressed, which another site's page cannot choose. */
function isOurs(public_origin: string | undefined, origin: string, host: string | undefined): boolean {
  if (public_origin !== undefined) return origin === public_origin
  return URL.canParse(origin) && host !== undefined && new URL(origin).host === host.toLowerCase()
}
