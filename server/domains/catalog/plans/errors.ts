import { ProblemError } from '#server/platform/http/problem.ts'

/** No price plan has this id. */
export class PlanNotFoundError extends ProblemError {
  override name = 'PlanNotFoundError'
  constructor() {
    super({ code: 'price_plan_not_found', status: 404, title: 'There is no such price plan' })
  }
}

/** Plans are told apart by their names. */
export class PlanNameTakenError extends ProblemError {
  override name = 'PlanNameTakenError'
  constructor() {
    super({
      code: 'price_plan_name_taken',
      status: 409,
      title: 'Another price plan has this name',
      detail: 'Give it another name, or change that plan.',
      field: 'name',
    })
  }
}

/** What was looked at is not what would be changed. */
export class PlanChangedError extends ProblemError {
  override name = 'PlanChangedError'
  constructor(version: bigint) {
    super({
      code: 'price_plan_changed',
      status: 409,
      title: 'The price plan has been changed meanwhile',
      detail: 'Look at it once more; nothing was changed.',
      field: 'version',
      extra: { version: String(version) },
    })
  }
}

/** Who has a plan would pay something else from one moment to the next. */
export class PlanInUseError extends ProblemError {
  override name = 'PlanInUseError'
  constructor() {
    super({
      code: 'price_plan_in_use',
      status: 409,
      title: 'Customers or roles have this price plan',
      detail: 'Give them another one or none before it is removed.',
    })
  }
}

/** Terms of a plan name services that are not there. */
export class PlanServiceNotFoundError extends ProblemError {
  override name = 'PlanServiceNotFoundError'
  constructor(service_id: bigint) {
    super({
      code: 'service_not_found',
      status: 404,
      title: 'There is no such service',
      detail: `There is no service ${service_id}.`,
      field: 'terms',
    })
  }
}

/** More plans than are kept apart. */
export class TooManyPlansError extends ProblemError {
  override name = 'TooManyPlansError'
  constructor(max: number) {
    super({
      code: 'too_many_price_plans',
      status: 409,
      title: 'There are too many price plans',
      detail: `There are ${max} already; remove one that nobody has.`,
    })
  }
}
