import { shareUp } from '#server/kit/money.ts'

/** What is given on top of a deposit. Amounts in minor units of the wallet's asset. */
export interface BonusRule {
  id: bigint
  name: string
  /** For deposits of at least this much. */
  deposit_min: bigint
  /** Hundredths of a percent of what came in. */
  percent_bp: bigint
  /** At most this; null: without limit. */
  amount_max: bigint | null
  /** For deposits asked for from this moment on. */
  starts_at: Date
  /** And before this; null: until it is ended. */
  ends_at: Date | null
  created_at: Date
  /** Null: at the terminal. */
  created_by: bigint | null
}

/** All of it. */
export const PERCENT_BP_MAX = 10_000n

/** What a rule gives for a deposit of which `amount` came in; nothing below its minimum. Pure. */
export function bonusOf(
  { deposit_min, percent_bp, amount_max }: Pick<BonusRule, 'deposit_min' | 'percent_bp' | 'amount_max'>,
  amount: bigint,
): bigint {
  if (amount < deposit_min) return 0n
  const share = shareUp(amount, percent_bp, PERCENT_BP_MAX)
  return amount_max !== null && share > amount_max ? amount_max : share
}

/** The rule that gives most, the older of two that give the same; undefined where none gives anything. Rules do not add up. Pure. */
export function bestBonus(
  rules: readonly BonusRule[],
  amount: bigint,
): { rule: BonusRule; amount: bigint } | undefined {
  let best: { rule: BonusRule; amount: bigint } | undefined
  for (const rule of rules) {
    const bonus = bonusOf(rule, amount)
    if (bonus > (best?.amount ?? 0n)) best = { rule, amount: bonus }
  }
  return best
}
