import type { Actor } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import { present } from '#server/kit/invariant.ts'
import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'
import { WALLET_ASSET } from '../accounts.ts'
import type { BonusRule } from './bonus-rule.ts'
import { BonusNameTakenError, BonusRuleEndedError, BonusRuleNotFoundError, TooManyBonusRulesError } from './errors.ts'
import { RULES_OPEN_MAX } from './queries.ts'

/** A rule as someone wants it. Without a beginning it holds from now on. */
export interface NewBonusRule
  extends Pick<BonusRule, 'name' | 'deposit_min' | 'percent_bp' | 'amount_max' | 'ends_at'> {
  starts_at: Date | undefined
  by: Actor
  reason: string
}

// One at a time: rules are few, and each is counted and named once.
const lockRules = statement('lock table payments.bonus_rule in share row exclusive mode')
const standing = statement(`
  select (select count(*)::int from payments.bonus_rule where ends_at is null or ends_at > $2) as open,
    exists (select from payments.bonus_rule where name = $1) as name_taken`)
const insertRule = statement(`
  insert into payments.bonus_rule (name, asset, deposit_min, percent_bp, amount_max, starts_at, ends_at, created_at, created_by)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning id`)

/** Makes a bonus rule, for deposits asked for from its beginning on; none for those before now. Answers its number. Throws BonusNameTakenError, TooManyBonusRulesError. */
export async function createBonusRule(app: Pick<App, 'db' | 'clock'>, rule: NewBonusRule): Promise<bigint> {
  return app.db.transaction(async (tx) => {
    await tx.query(lockRules)
    const now = app.clock.now()
    const starts_at = rule.starts_at && rule.starts_at > now ? rule.starts_at : now
    const [found] = await tx.query<{ open: number; name_taken: boolean }>(standing, [rule.name, now])
    const { open, name_taken } = present(found, 'a count is always answered')
    if (name_taken) throw new BonusNameTakenError()
    if (open >= RULES_OPEN_MAX) throw new TooManyBonusRulesError(RULES_OPEN_MAX)
    const { name, deposit_min, percent_bp, amount_max, ends_at, by, reason } = rule
    const values = [
      name,
      WALLET_ASSET,
      deposit_min,
      percent_bp,
      amount_max,
      starts_at,
      ends_at,
      now,
      by.user_id ?? null,
    ]
    const { id } = present((await tx.query<{ id: bigint }>(insertRule, values))[0], 'an inserted rule has a number')
    const after = { name, deposit_min, percent_bp, amount_max, starts_at, ends_at }
    const subject = { kind: 'bonus_rule', id }
    recordActs(tx, [{ action: 'bonuses.rule_created', actor: by, subject, after, reason }])
    return id
  })
}

const lockRule = statement('select starts_at, ends_at from payments.bonus_rule where id = $1 for no key update')
const setEnd = statement('update payments.bonus_rule set ends_at = $2 where id = $1')

/** Ends a rule now: deposits asked for before keep what was promised, whenever they are approved. Throws BonusRuleNotFoundError, BonusRuleEndedError. */
export async function endBonusRule(
  app: Pick<App, 'db' | 'clock'>,
  { id, by, reason }: { id: bigint; by: Actor; reason: string },
): Promise<void> {
  await app.db.transaction(async (tx) => {
    const [rule] = await tx.query<Pick<BonusRule, 'starts_at' | 'ends_at'>>(lockRule, [id])
    if (!rule) throw new BonusRuleNotFoundError()
    const now = app.clock.now()
    // One that has not begun ends before it does.
    const ends_at = rule.starts_at > now ? rule.starts_at : now
    if (rule.ends_at !== null && rule.ends_at <= ends_at) throw new BonusRuleEndedError()
    tx.send(setEnd, [id, ends_at])
    const subject = { kind: 'bonus_rule', id }
    recordActs(tx, [
      {
        action: 'bonuses.rule_ended',
        actor: by,
        subject,
        before: { ends_at: rule.ends_at },
        after: { ends_at },
        reason,
      },
    ])
  })
}
