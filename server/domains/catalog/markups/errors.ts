import { ProblemError } from '#server/platform/http/problem.ts'

/** No mark-up rule has this id. */
export class RuleNotFoundError extends ProblemError {
  override name = 'RuleNotFoundError'
  constructor() {
    super({ code: 'markup_rule_not_found', status: 404, title: 'There is no such mark-up rule' })
  }
}

/** Every service needs a rule that decides in the end. */
export class HouseRuleStaysError extends ProblemError {
  override name = 'HouseRuleStaysError'
  constructor() {
    super({
      code: 'house_rule_stays',
      status: 409,
      title: 'The mark-up rule of the house cannot be taken away',
      detail: 'Change its figures instead: it prices whatever no other rule does.',
    })
  }
}

/** What was looked at is not what would be changed. */
export class CatalogueChangedError extends ProblemError {
  override name = 'CatalogueChangedError'
  constructor(revision: bigint) {
    super({
      code: 'catalogue_changed',
      status: 409,
      title: 'The catalogue has changed since the preview',
      detail: 'Look at the preview once more; nothing was changed.',
      field: 'revision',
      extra: { revision: String(revision) },
    })
  }
}
