import { ProblemError } from '#server/platform/http/problem.ts'

/** No bonus rule has this number. */
export class BonusRuleNotFoundError extends ProblemError {
  override name = 'BonusRuleNotFoundError'
  constructor() {
    super({ code: 'bonus_rule_not_found', status: 404, title: 'There is no such bonus rule' })
  }
}

/** Rules are told apart by their names, those that ended too. */
export class BonusNameTakenError extends ProblemError {
  override name = 'BonusNameTakenError'
  constructor() {
    super({ code: 'bonus_name_taken', status: 409, title: 'Another bonus rule has this name', field: 'name' })
  }
}

/** It has ended, and what was promised until then stays. */
export class BonusRuleEndedError extends ProblemError {
  override name = 'BonusRuleEndedError'
  constructor() {
    super({ code: 'bonus_rule_ended', status: 409, title: 'The bonus rule has ended already' })
  }
}

/** More rules than are looked at for each deposit. */
export class TooManyBonusRulesError extends ProblemError {
  override name = 'TooManyBonusRulesError'
  constructor(max: number) {
    super({
      code: 'too_many_bonus_rules',
      status: 409,
      title: 'Too many bonus rules are open',
      detail: `There are ${max} that have not ended; end one first.`,
    })
  }
}
