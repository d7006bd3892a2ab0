import type { Actor } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import { postEntries } from '#server/domains/ledger/post-entries.ts'
import { ProviderNotFoundError } from '#server/domains/providers/errors.ts'
import { findProvider } from '#server/domains/providers/queries.ts'
import { invariant } from '#server/kit/invariant.ts'
import type { App } from '#server/platform/app.ts'
import type { Tx } from '#server/platform/db/database.ts'
import { accountIds, prepaidAt, worldIn } from '../accounts.ts'

/** What was paid to a provider. */
export interface Topup {
  provider_id: bigint
  /** Minor units of the provider's currency; below zero what came back. Never zero. */
  amount: bigint
  /** Names the payment: the same one is booked once. */
  key: string
  by: Actor
}

/** `key_reused`: another amount was booked under this key. */
export type TopupOutcome =
  | { ok: true; replayed: boolean }
  | { ok: false; refusal: 'key_reused' | 'amount_out_of_range' }

/** Books what was paid to a provider, or came back, once. Nothing else of the transaction has locked accounts. Throws ProviderNotFoundError. */
export async function recordTopup(app: Pick<App, 'db'>, tx: Tx, topup: Topup): Promise<TopupOutcome> {
  const { provider_id, amount, by } = topup
  const provider = await findProvider(tx, provider_id)
  if (!provider) throw new ProviderNotFoundError(provider_id)
  const names = [worldIn(provider.currency), prepaidAt(provider_id, provider.currency)]
  const [world, prepaid] = (await accountIds(app.db, names, tx)) as [bigint, bigint]
  const [debit, credit, moved] = amount > 0n ? [world, prepaid, amount] : [prepaid, world, -amount]
  const key = `provider:${provider_id}:topup:${topup.key}`
  const movement = { kind: 'transfer', debit, credit, amount: moved, reason: 'provider.topup' } as const
  const [posted] = await postEntries(tx, [{ key, movements: [movement] }])
  invariant(posted, 'an entry has an outcome')
  if (!posted.ok) {
    const { refusal } = posted
    invariant(refusal === 'key_reused' || refusal === 'amount_out_of_range', `a top-up was refused: ${refusal}`)
    return { ok: false, refusal }
  }
  if (!posted.replayed) {
    const subject = { kind: 'provider', id: provider_id }
    const after = { amount, asset: provider.currency, entry: key }
    recordActs(tx, [{ action: 'providers.topup_recorded', actor: by, subject, after }])
  }
  return { ok: true, replayed: posted.replayed }
}
