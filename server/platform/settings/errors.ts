import { type FieldError, ProblemError } from '../http/problem.ts'

/** No setting of this version has this name. */
export class SettingNotFoundError extends ProblemError {
  override name = 'SettingNotFoundError'
  constructor() {
    super({ code: 'setting_not_found', status: 404, title: 'There is no such setting' })
  }
}

/** The setting does not take this value; nothing was changed. */
export class SettingRefusedError extends ProblemError {
  override name = 'SettingRefusedError'
  constructor(errors: readonly FieldError[]) {
    const [first] = errors
    super({
      code: 'setting_refused',
      status: 422,
      title: 'The setting does not take this value',
      ...(first && { detail: `${first.field} ${first.reason}` }),
      errors,
    })
  }
}

/** Somebody has changed the setting since it was read; nothing was changed by this attempt. */
export class StaleSettingError extends ProblemError {
  override name = 'StaleSettingError'
  constructor(version: bigint) {
    super({
      code: 'setting_stale',
      status: 409,
      title: 'The setting was changed meanwhile',
      detail: `Its version is ${version} now. Read it again before you change it.`,
      field: 'version',
      extra: { version: String(version) },
    })
  }
}
