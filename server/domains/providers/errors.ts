import { ProblemError } from '#server/platform/http/problem.ts'

/** There is no such provider. */
export class ProviderNotFoundError extends ProblemError {
  override name = 'ProviderNotFoundError'

  constructor(id: bigint) {
    super({
      code: 'provider_not_found',
      status: 404,
      title: 'There is no such provider.',
      detail: `There is no provider ${id}.`,
    })
  }
}

/** The provider may not call us, or what called has not its secret: which of them, is not told. */
export class HookNotFoundError extends ProblemError {
  override name = 'HookNotFoundError'

  constructor() {
    super({ code: 'hook_not_found', status: 404, title: 'There is no such hook' })
  }
}

/** Another provider has this name. */
export class ProviderNameTakenError extends ProblemError {
  override name = 'ProviderNameTakenError'

  constructor() {
    super({ code: 'provider_name_taken', status: 409, title: 'Another provider has this name.', field: 'name' })
  }
}

/** A setting of a provider is not as it must be. */
export class ProviderSettingError extends ProblemError {
  override name = 'ProviderSettingError'

  constructor(field: string, detail: string) {
    super({
      code: 'provider_setting_invalid',
      status: 422,
      title: 'A setting of the provider is not valid.',
      detail,
      field,
    })
  }
}

/** Someone else has changed the provider since it was read. */
export class ProviderChangedError extends ProblemError {
  override name = 'ProviderChangedError'

  constructor() {
    super({ code: 'provider_changed', status: 409, title: 'The provider has been changed meanwhile. Read it again.' })
  }
}
