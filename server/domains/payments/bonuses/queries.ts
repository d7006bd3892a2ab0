import { type Db, statement, type Tx } from '#server/platform/db/database.ts'
import type { BonusRule } from './bonus-rule.ts'

/** More campaigns than any house runs at the same time. */
export const RULES_OPEN_MAX = 50

/** Rules shown of those that ended, at least. */
const ENDED_SHOWN_MAX = 150

const COLUMNS = 'id, name, deposit_min, percent_bp, amount_max, starts_at, ends_at, created_at, created_by'

const rulesAt = statement(`
  select ${COLUMNS} from payments.bonus_rule
  where asset = $1 and starts_at <= $2 and (ends_at is null or ends_at > $2) order by id limit ${RULES_OPEN_MAX}`)

// Summed only of what is shown.
const GIVEN = `
  cross join lateral (
    select count(*)::int as deposits, coalesce(sum(b.amount), 0)::bigint as amount from payments.deposit_bonus b where b.rule_id = rule.id
  ) given`

// What holds or is to come cannot be crowded out by what ended: there are no more than RULES_OPEN_MAX of it.
const rulesGiven = statement(`
  with shown as (
    select ${COLUMNS}, ends_at is null or ends_at > $1 as is_open
    from payments.bonus_rule order by is_open desc, id desc limit ${RULES_OPEN_MAX + ENDED_SHOWN_MAX}
  )
  select ${COLUMNS}, given.deposits, given.amount from shown rule ${GIVEN} order by rule.is_open desc, rule.id desc`)

const ruleGiven = statement(`
  select ${COLUMNS}, given.deposits, given.amount from payments.bonus_rule rule ${GIVEN} where rule.id = $1`)

/** The rules that hold for a deposit asked for at this moment, oldest first. */
export function selectRulesAt(db: Pick<Db | Tx, 'query'>, asset: string, asked_at: Date): Promise<BonusRule[]> {
  return db.query<BonusRule>(rulesAt, [asset, asked_at])
}

/** A rule, and what it has given so far. */
export interface RuleGiven extends BonusRule {
  deposits: number
  amount: bigint
}

/** The rules with what each has given: those that have not ended at this moment, all of them, then the latest that have; newest first. */
export function selectRulesGiven(db: Pick<Db, 'query'>, now: Date): Promise<RuleGiven[]> {
  return db.query<RuleGiven>(rulesGiven, [now])
}

/** One rule with what it has given; undefined when there is none. */
export async function selectRuleGiven(db: Pick<Db, 'query'>, id: bigint): Promise<RuleGiven | undefined> {
  return (await db.query<RuleGiven>(ruleGiven, [id]))[0]
}
