import type { FastifyInstance, FastifyRequest } from 'fastify'
import { invariant } from '#server/kit/invariant.ts'
import { authenticate } from './authenticate.ts'
import type { Authentication } from './authentication.ts'
import { ForbiddenError, UnauthenticatedError } from './errors.ts'
import { can, type Principal } from './principal.ts'

const principals = new WeakMap<FastifyRequest, Principal>()

/**
 * From here on every route of `server` states its `config.permission`: a string that the caller must hold, or null for a public route.
 * A route without one fails the start with InvariantError. Checked before the body is read; refusals are thrown as problems.
 */
export function guardRoutes(server: FastifyInstance, authentication: Authentication): void {
  server.addHook('onRoute', (route) => {
    invariant(permissionOf(route.config) !== undefined, `${route.method} ${route.url} states no permission`)
  })
  server.addHook('onRequest', async (request) => {
    const permission = permissionOf(request.routeOptions.config)
    // Undefined is the answer to an address that no route has: 404 tells nothing that needs a right.
    if (permission === null || permission === undefined) return
    const principal = await authenticate(authentication, request)
    if (!can(principal, permission)) throw new ForbiddenError(permission)
    principals.set(request, principal)
  })
}

/** Who sends this request, on a guarded route that is not public. */
export function principalOf(request: FastifyRequest): Principal {
  const principal = principals.get(request)
  if (!principal) throw new UnauthenticatedError()
  return principal
}

function permissionOf(config: object | undefined): string | null | undefined {
  if (config === undefined || !('permission' in config)) return undefined
  const { permission } = config
  invariant(permission === null || typeof permission === 'string', 'a permission is a string or null')
  return permission
}
