import { ensureAccounts } from '#server/domains/ledger/ensure-accounts.ts'
import type { Entry, EntryOutcome } from '#server/domains/ledger/entry.ts'
import { postEntries } from '#server/domains/ledger/post-entries.ts'
import { invariant, present } from '#server/kit/invariant.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { bonuses, walletOf, world } from '../accounts.ts'
import { bestBonus } from '../bonuses/bonus-rule.ts'
import { selectRulesAt } from '../bonuses/queries.ts'
import type { WalletTold } from '../events.ts'
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
  insert into payments.deposit_bonus (deposit_id, rule_id, amount, movement) values ($1, $2, $3, $4)`)

/**
 * Puts `amount` (minor units) onto the wallet of a deposit's customer, under one key for ever, and with it, as a movement of its own, the bonus that was promised when it was asked for. Answers
 * the deposit's movement and how the wallet stands. Call it in the transaction that makes the row approved, its row locked and no account yet. Throws CreditTooLargeError: then
 * nothing of the transaction stands.
 */
export async function creditDeposit(
  tx: Tx,
  { id, user_id, asset, asked_at }: Pick<Deposit, 'id' | 'user_id' | 'asset' | 'asked_at'>,
  amount: bigint,
): Promise<{ movement: bigint; wallet: WalletTold }> {
  const bonus = bestBonus(await selectRulesAt(tx, asset, asked_at), amount)
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
  if (bonus && more !== undefined) tx.send(insertBonus, [id, bonus.rule.id, bonus.amount, more])
  return { movement: present(own, 'an entry has an outcome'), wallet: await walletAsTold(tx, credit, asset) }
}

/** The movement of what was credited. */
function creditedAs(outcome: EntryOutcome): bigint {
  if (outcome.ok) return outcome.id
  invariant(outcome.refusal === 'amount_out_of_range', `a deposit was refused: ${outcome.refusal}`)
  throw new CreditTooLargeError()
}
