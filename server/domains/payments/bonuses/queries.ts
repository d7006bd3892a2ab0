import { type Db, statement, type Tx } from '#server/platform/db/database.ts'
import type { BonusRule } from './bonus-rule.ts'

/** More campaigns than any house runs at the same time. */
export const RULES_OPEN_MAX = 50

/** Rules shown of those that ended. */
const SHOWN_MAX = 200

const COLUMNS = 'id, name, deposit_min, percent_bp, amount_max, starts_at, ends_at, created_at, created_by'

const rulesAt = statement(`
  select ${COLUMNS} from payments.bonus_rule
  where asset = $1 and starts_at <= $2 and (ends_at is null or ends_at > $2) order by id limit ${RULES_OPEN_MAX}`)

const rulesGiven = statement(`
  select ${COLUMNS}, given.deposits, given.amount
  from payments.bonus_rule rule
  cross join lateral (
    select count(*)::int as deposits, coalesce(sum(b.amount), 0)::bigint as amount from payments.deposit_bonus b where b.rule_id = rule.id
  ) given
  order by rule.id desc limit ${SHOWN_MAX}`)

/** The rules that hold for a deposit asked for at this moment, oldest first. */
export function selectRulesAt(db: Pick<Db | Tx, 'query'>, asset: string, asked_at: Date): Promise<BonusRule[]> {
  return db.query<BonusRule>(rulesAt, [asset, asked_at])
}

/** A rule, and what it has given so far. */
export interface RuleGiven extends BonusRule {
  deposits: number
  amount: bigint
}

/** The rules with what each has given, newest first. */
export function selectRulesGiven(db: Pick<Db, 'query'>): Promise<RuleGiven[]> {
  return db.query<RuleGiven>(rulesGiven)
}
