import { BadFieldError } from '../errors.ts'
import { overlaps, type Pattern, parsePattern } from './permission.ts'

/** A permission that some route needs, with open words as the route states them. */
export interface KnownPermission {
  readonly permission: string
  /** What it lets people do. */
  readonly description: string
}

/** The permissions of the house, and what stands for none of them. */
export interface Catalogue {
  readonly permissions: readonly KnownPermission[]
  /** Throws BadFieldError for a pattern that stands for no permission of the house: a slip of the pen must not look like a right. */
  refuseUnknown(patterns: readonly string[] | undefined, field: string): void
}

/** Opens the catalogue of these permissions. */
export function catalogueOf(permissions: readonly KnownPermission[]): Catalogue {
  const known: readonly Pattern[] = permissions.map(({ permission }) => parsePattern(permission))
  return {
    permissions,
    refuseUnknown: (patterns = [], field) => {
      const unknown = patterns.find((text) => !known.some((each) => overlaps(each, parsePattern(text))))
      if (unknown === undefined) return
      const detail = `"${unknown}" stands for no permission of this house; GET /api/admin/permissions lists them.`
      throw new BadFieldError(field, detail)
    },
  }
}
