import { present } from '#server/kit/invariant.ts'
import type { App } from '#server/platform/app.ts'
import type { Db } from '#server/platform/db/database.ts'
import { readSnapshot } from '#server/platform/db/read-snapshot.ts'
import { emit } from '#server/platform/outbox/emit.ts'
import { depositsVerified } from '../events.ts'
import { BONUS_REASON, BONUS_SUBJECT, DEPOSIT_REASON } from './credit-deposit.ts'

/** What is wrong with a deposit, or with a movement that names one. */
export interface DepositProblem {
  check: string
  deposit_id: bigint
  what: string
}

/** Proves the deposits against the ledger, and the other way round, as they were at one moment. For each check the first wrong row, if there is one. Throws what the database throws. */
export async function verifyDeposits(db: Db): Promise<{ deposits: bigint; problems: DepositProblem[] }> {
  return readSnapshot(db, 1, async ([snapshot]) => {
    const { query } = present(snapshot, 'a snapshot')
    const problems: DepositProblem[] = []
    // One after another: each reads whole tables.
    for (const [check, sql] of Object.entries(CHECKS)) {
      const [row] = await query<{ deposit_id: bigint; what: string }>(sql)
      if (row) problems.push({ check, ...row })
    }
    const [counted] = await query<{ deposits: bigint }>('select count(*) as deposits from payments.deposit')
    return { deposits: counted?.deposits ?? 0n, problems }
  })
}

/** Proves the deposits and tells what was found. */
export async function tellVerifiedDeposits(app: Pick<App, 'db'>): Promise<void> {
  const { problems } = await verifyDeposits(app.db)
  const [first] = problems
  await app.db.transaction(async (tx) =>
    emit(tx, depositsVerified, [first ? { problem: `deposit ${first.deposit_id}: ${first.what}` } : {}]),
  )
}

// The end of a rule is not held against it: it may have been set since.
const NOT_FOR_IT = `(term.id is null or d.asked_at < term.starts_at or coalesce(d.asked_at >= term.ends_at, false)
  or d.approved_amount < term.deposit_min or coalesce(d.user_id <> term.customer_id, false))`

const CHECKS = {
  deposit_movement: `
    select d.id as deposit_id, case
        when t.id is null then format('it is approved, and its movement %s is not there', d.movement)
        when t.amount <> d.approved_amount then format('%s was moved, and %s was approved', t.amount, d.approved_amount)
        when wallet.id is null then format('movement %s does not go to the wallet of its customer', t.id)
        else format('movement %s is %s for %s %s', t.id, t.reason, t.subject_kind, t.subject_id)
      end as what
    from payments.deposit d
    left join ledger.transfer t on t.id = d.movement
    left join ledger.account wallet on wallet.id = t.credit
      and (wallet.owner_kind, wallet.owner_id, wallet.purpose, wallet.asset) = ('customer', d.user_id, 'wallet', d.asset)
    where d.state = 'approved' and (t.id is null or t.amount <> d.approved_amount or wallet.id is null
      or (t.reason, t.subject_kind, t.subject_id) is distinct from ('${DEPOSIT_REASON}', 'deposit', d.id))
    order by d.id limit 1`,

  movement_without_deposit: `
    select t.subject_id as deposit_id, format('movement %s of %s is for a deposit that does not know it', t.id, t.amount) as what
    from ledger.transfer t left join payments.deposit d on d.movement = t.id
    where (t.subject_kind = 'deposit' or t.reason = '${DEPOSIT_REASON}') and d.id is null
    order by t.id limit 1`,

  bonus_movement: `
    select b.deposit_id, case
        when t.id is null then format('its bonus was given, and its movement %s is not there', b.movement)
        when t.amount <> b.amount then format('%s was moved as its bonus, and %s was given', t.amount, b.amount)
        when wallet.id is null then format('movement %s, its bonus, does not go from the bonuses to the wallet of its customer', t.id)
        when d.state <> 'approved' then format('it is %s, and has a bonus of %s', d.state, b.amount)
        when ${NOT_FOR_IT} then format('bonus rule %s, or promo redemption %s, does not hold for it', b.rule_id, b.redemption_id)
        when b.amount <> promised.amount then format('its bonus is %s, and its %s promised %s', b.amount, term.source, promised.amount)
        else format('movement %s is %s for %s %s', t.id, t.reason, t.subject_kind, t.subject_id)
      end as what
    from payments.deposit_bonus b
    join payments.deposit d on d.id = b.deposit_id
    left join (
      select 'rule' as source, id, deposit_min, percent_bp, amount_max, starts_at, null::timestamptz as ends_at, null::bigint as customer_id
      from payments.bonus_rule
      union all
      select 'code', r.id, code.deposit_min, code.percent_bp, code.amount_max, r.redeemed_at, r.ends_at, r.customer_id
      from payments.promo_redemption r join payments.promo_code code on code.id = r.code_id and code.kind = 'deposit'
    ) term on (term.source, term.id) = (case when b.rule_id is null then 'code' else 'rule' end, coalesce(b.rule_id, b.redemption_id))
    cross join lateral (
      select least(ceil(d.approved_amount::numeric * term.percent_bp / 10000), coalesce(term.amount_max, 9223372036854775807)) as amount
    ) promised
    left join ledger.transfer t on t.id = b.movement
    left join ledger.account ours on ours.id = t.debit and (ours.owner_kind, ours.purpose, ours.asset) = ('platform', 'bonuses', d.asset)
    left join ledger.account wallet on wallet.id = t.credit and ours.id is not null
      and (wallet.owner_kind, wallet.owner_id, wallet.purpose, wallet.asset) = ('customer', d.user_id, 'wallet', d.asset)
    where t.id is null or t.amount <> b.amount or wallet.id is null or d.state <> 'approved' or ${NOT_FOR_IT}
      or b.amount <> promised.amount
      or (t.reason, t.subject_kind, t.subject_id) is distinct from ('${BONUS_REASON}', '${BONUS_SUBJECT}', b.deposit_id)
    order by b.deposit_id limit 1`,

  movement_without_bonus: `
    select coalesce(t.subject_id, 0) as deposit_id, format('movement %s of %s is a bonus that nobody gave', t.id, t.amount) as what
    from ledger.transfer t left join payments.deposit_bonus b on b.movement = t.id
    where (t.subject_kind = '${BONUS_SUBJECT}' or t.reason = '${BONUS_REASON}') and b.movement is null
    order by t.id limit 1`,
} as const
