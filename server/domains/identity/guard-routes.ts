import type { FastifyInstance, FastifyRequest } from 'fastify'
import { invariant } from '#server/kit/invariant.ts'
import { areaOf, assertInArea, isStaffArea } from './areas/area.ts'
import { isStaffAddress, StaffNetworkError } from './areas/staff-networks.ts'
import { authenticate } from './authenticate.ts'
import type { Authentication } from './authentication.ts'
import { EmailNotConfirmedError, ForbiddenError, SecondFactorRequiredError, UnauthenticatedError } from './errors.ts'
import { type Area, can, type Principal } from './principal.ts'
import { filled } from './rights/permission.ts'

const principals = new WeakMap<FastifyRequest, Principal>()

/**
 * From here on every route of `server` states its `config.permission`: a string that the caller must hold, or null for a public route. Words in braces are filled from the path:
 * `users:read:{role}:{id}`. What the path does not tell stays open: who could hold nothing that fits is refused here, and the verb, which knows the words, asks `can` again.
 * Routes of an area take those alone who are at home in it. A route without a permission fails the start with InvariantError. Checked before the body is read; refusals are thrown as problems.
 */
export function guardRoutes(server: FastifyInstance, authentication: Authentication): void {
  const areas = new Map<string, Area>()
  server.addHook('onRoute', (route) => {
    invariant(permissionOf(route.config) !== undefined, `${route.method} ${route.url} states no permission`)
    const area = areaOf(route.url)
    if (area) areas.set(route.url, area)
  })
  server.addHook('onRequest', async (request) => {
    const permission = permissionOf(request.routeOptions.config)
    const area = areas.get(request.routeOptions.url ?? '')
    const mustBeStaffAddress = () => {
      if (!isStaffAddress(authentication.settings, request.ip)) throw new StaffNetworkError()
    }
    // The doors where staff sign in too.
    if (area && isStaffArea(area)) mustBeStaffAddress()
    // Undefined is the answer to an address that no route has: 404 tells nothing that needs a right.
    if (permission === null || permission === undefined) return
    const principal = await authenticate(authentication, request)
    if (principal.staff) mustBeStaffAddress()
    if (area) assertInArea(principal, area)
    const needed = permission.includes('{') ? filled(permission, request.params as Record<string, string>) : permission
    if (!can(principal, needed)) throw refusalOf(principal, permission)
    principals.set(request, principal)
  })
}

function refusalOf({ must }: Principal, permission: string): Error {
  if (must === 'confirm_email') return new EmailNotConfirmedError()
  return must === 'enrol_totp' ? new SecondFactorRequiredError() : new ForbiddenError(permission)
}

/** Who sends this request, on a guarded route that is not public. */
export function principalOf(request: FastifyRequest): Principal {
  const principal = principals.get(request)
  if (!principal) throw new UnauthenticatedError()
  return principal
}

/** Who sends this request, where the guard has found it out. */
export function knownPrincipal(request: FastifyRequest): Principal | undefined {
  return principals.get(request)
}

function permissionOf(config: object | undefined): string | null | undefined {
  if (config === undefined || !('permission' in config)) return undefined
  const { permission } = config
  invariant(permission === null || typeof permission === 'string', 'a permission is a string or null')
  return permission
}
