import { ensureAccounts } from '#server/domains/ledger/ensure-accounts.ts'
import type { Entry, EntryOutcome } from '#server/domains/ledger/entry.ts'
import { postEntries } from '#server/domains/ledger/post-entries.ts'
import { invariant, present } from '#server/kit/invariant.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { bonuses, walletOf, world } from '../accounts.ts'
import { bestBonus, bonusOf } from '../bonuses/bonus-rule.ts'
import { selectRulesAt } from '../bonuses/queries.ts'
import type { WalletTold } from '../events.ts'
import { selectDepositPromises } from '../promo-codes/queries.ts'
import { walletAsTold } from '../tell-wallet.ts'
import type { Deposit } from './deposit.ts'
import { CreditTooLargeError } from './errors.ts'

/** Why money moves for a deposit; `saldo verify` holds each such movement against its deposit. */
export const DEPOSIT_REASON = 'deposit.approved'

/** Why money moves for the bonus on a deposit; `saldo verify` holds each such movement against what was given. */
export const BONUS_REASON = 'bonus'

/** What the movement of a bonus is about: the deposit's number. */
export const BONUS_SUBJECT = 'deposit_bonus'

const insertBonus = statement(`
  insert into payments.deposit_bonus (deposit_id, rule_id, redemption_id, amount, movement) values ($1, $2, $3, $4, $5)`)

/** What is needed of a deposit to credit it. */
type Credited = Pick<Deposit, 'id' | 'user_id' | 'asset' | 'asked_at'>

/**
 * Puts `amount` (minor units) onto the wallet of a deposit's customer, under one key for ever, and with it, as a movement of its own, the bonus that was promised when it was asked for: by a rule,
 * or by a promo code of theirs. Answers the deposit's movement and how the wallet stands. Call it in the transaction that makes the row approved, its row locked and no account yet. Throws
 * CreditTooLargeError: then nothing of the transaction stands.
 */
export async function creditDeposit(
  tx: Tx,
  deposit: Credited,
  amount: bigint,
): Promise<{ movement: bigint; wallet: WalletTold }> {
  const { id, user_id, asset } = deposit
  const bonus = await promisedBonus(tx, deposit, amount)
  const names = [walletOf(user_id), world(), ...(bonus ? [bonuses()] : [])]
  const [credit, debit, given] = (await ensureAccounts(tx, names)) as [bigint, bigint, bigint?]
  const subject = { kind: 'deposit', id }
  const movement = { kind: 'transfer', debit, credit, amount, reason: DEPOSIT_REASON, subject } as const
  const entries: Entry[] = [{ key: `deposit:${id}`, movements: [movement] }]
  if (bonus && given !== undefined) {
    const about = { reason: BONUS_REASON, subject: { kind: BONUS_SUBJECT, id } }
    const movements = [{ kind: 'transfer', debit: given, credit, amount: bonus.amount, ...about } as const]
    entries.push({ key: `deposit:${id}:bonus`, movements })
  }
  const [own, more] = (await postEntries(tx, entries)).map(creditedAs)
  if (bonus && more !== undefined) {
    tx.send(insertBonus, [id, bonus.rule_id, bonus.redemption_id, bonus.amount, more])
  }
  return { movement: present(own, 'an entry has an outcome'), wallet: await walletAsTold(tx, credit, asset) }
}

interface PromisedBonus {
  /** One of both. */
  rule_id: bigint | null
  redemption_id: bigint | null
  amount: bigint
}

/** The one that gives most of rules and codes; of a rule and a code alike the rule, so that the code is left for another deposit. They do not add up. */
async function promisedBonus(tx: Tx, deposit: Credited, amount: bigint): Promise<PromisedBonus | undefined> {
  const by_rule = bestBonus(await selectRulesAt(tx, deposit.asset, deposit.asked_at), amount)
  let best: PromisedBonus | undefined = by_rule && {
    rule_id: by_rule.rule.id,
    redemption_id: null,
    amount: by_rule.amount,
  }
  for (const promise of await selectDepositPromises(tx, deposit)) {
    const bonus = bonusOf(promise, amount)
    if (bonus > (best?.amount ?? 0n)) best = { rule_id: null, redemption_id: promise.redemption_id, amount: bonus }
  }
  return best
}

/** The movement of what was credited. */
function creditedAs(outcome: EntryOutcome): bigint {
  if (outcome.ok) return outcome.id
  invariant(outcome.refusal === 'amount_out_of_range', `a deposit was refused: ${outcome.refusal}`)
  throw new CreditTooLargeError()
}
