import { ForbiddenError, UnauthenticatedError } from '../errors.ts'
import { AREAS, type Area, can, type Principal } from '../principal.ts'

/** The areas of the house's own people. */
export const STAFF_AREAS = ['admin', 'support', 'teamlead'] as const satisfies readonly Area[]

/** Whether the area is one of theirs. */
export function isStaffArea(area: Area): boolean {
  return STAFF_AREAS.some((each) => each === area)
}

/** The area to which a route belongs by its address: `/api/admin/…`. */
export function areaOf(url: string): Area | undefined {
  const [, name] = /^\/api\/([a-z]+)(?:\/|$)/.exec(url) ?? []
  return AREAS.find((area) => area === name)
}

/**
 * Throws unless `principal` is at home in `area`: by a session that was opened at its door, by a key of one whose role belongs there, or by the right `areas:enter:<area>`. UnauthenticatedError
 * for a session from elsewhere, which is none here; ForbiddenError for a key.
 */
export function assertInArea(principal: Principal, area: Area): void {
  const belongs = principal.area === area && (principal.via === 'key' || principal.session_area === area)
  const needed = `areas:enter:${area}`
  if (belongs || can(principal, needed)) return
  if (principal.via === 'key') throw new ForbiddenError(needed)
  throw new UnauthenticatedError(`The session was not opened here. Sign in at /api/${area}/sessions.`)
}
