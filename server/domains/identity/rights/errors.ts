import { ProblemError } from '#server/platform/http/problem.ts'

/** Rights are given only by who has them. */
export class NotHeldError extends ProblemError {
  override name = 'NotHeldError'
  constructor(permissions: readonly string[]) {
    super({
      code: 'not_held',
      status: 403,
      title: 'Nobody gives what they do not have',
      detail: `You do not hold ${permissions.slice(0, 5).join(', ')}${permissions.length > 5 ? ' …' : ''}.`,
      extra: { permissions },
    })
  }
}

/** The user, or the role, may do what the editor may not. */
export class MoreRightsError extends ProblemError {
  override name = 'MoreRightsError'
  constructor(whose: 'user' | 'role' = 'user') {
    super({ code: 'more_rights', status: 403, title: `This ${whose} may do more than you may` })
  }
}

/** Nobody blocks themselves or changes their own rights: a slip would lock them out. */
export class OwnAccountError extends ProblemError {
  override name = 'OwnAccountError'
  constructor() {
    super({
      code: 'own_account',
      status: 409,
      title: 'Not on your own account',
      detail: 'Another member of staff has to do this.',
    })
  }
}

/** Without an active administrator nobody could make one. */
export class LastAdministratorError extends ProblemError {
  override name = 'LastAdministratorError'
  constructor() {
    super({
      code: 'last_administrator',
      status: 409,
      title: 'The last active administrator cannot be removed, blocked or demoted',
      detail: 'Make another administrator first.',
    })
  }
}

/** No role has this name. */
export class RoleNotFoundError extends ProblemError {
  override name = 'RoleNotFoundError'
  constructor() {
    super({ code: 'role_not_found', status: 404, title: 'There is no such role' })
  }
}

/** Another role has this name. */
export class RoleTakenError extends ProblemError {
  override name = 'RoleTakenError'
  constructor() {
    super({ code: 'role_taken', status: 409, title: 'There is a role of this name', field: 'name' })
  }
}

/** The role cannot be changed so, or not be removed, because it came with the house. */
export class BuiltInRoleError extends ProblemError {
  override name = 'BuiltInRoleError'
  constructor(detail: string) {
    super({ code: 'built_in_role', status: 409, title: 'This role came with the house', detail })
  }
}

/** Users have the role, so it stays. */
export class RoleInUseError extends ProblemError {
  override name = 'RoleInUseError'
  constructor() {
    super({
      code: 'role_in_use',
      status: 409,
      title: 'Users have this role',
      detail: 'Give them another one before you remove it.',
    })
  }
}

/** The house has as many roles as it may have. */
export class TooManyRolesError extends ProblemError {
  override name = 'TooManyRolesError'
  constructor(max: number) {
    super({ code: 'too_many_roles', status: 409, title: 'Too many roles', detail: `A house has up to ${max} roles.` })
  }
}
