import { recordActs } from '#server/domains/audit/record-acts.ts'
import { type Editor, lockEditor } from '#server/domains/identity/rights/editor.ts'
import { present } from '#server/kit/invariant.ts'
import type { App } from '#server/platform/app.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { WALLET_ASSET } from '../accounts.ts'
import { DEPOSIT_COLUMNS, type Deposit, REFERENCE_MAX, referenceKey } from './deposit.ts'
import {
  DepositAmountRefusedError,
  MethodNotOfferedError,
  ReferenceRefusedError,
  ReferenceUsedError,
  TooManyDepositsError,
} from './errors.ts'
import { depositAnswerDays, depositMax, depositMethods, depositMin, depositsPendingMax } from './settings.ts'
import { tellDeposits } from './tell-deposit.ts'

export interface AskDeposit {
  user_id: bigint
  /** Micro-USD; undefined where what was typed is no amount. */
  amount: bigint | undefined
  method: string
  /** By what the payment is found, such as the number of the transaction. */
  reference: string
  note?: string | undefined
}

const DAY_MS = 24 * 60 * 60_000

const KNOWN = statement(`
  select id, state in ('pending', 'approved_once') as open, reference_key = $2 as same from payments.deposit
  where user_id = $1 and (state in ('pending', 'approved_once') or (state = 'approved' and reference_key = $2))`)

const INSERT = statement(`
  insert into payments.deposit (user_id, asset, amount, method, reference, reference_key, note, state, asked_at, expires_at)
  values ($1, $2, $3, $4, $5, $6, $7, 'pending', $8, $9)
  returning ${DEPOSIT_COLUMNS}`)

/**
 * Takes down what a customer says to have paid; no money moves. `editor` is the customer. Throws DepositAmountRefusedError, MethodNotOfferedError, ReferenceRefusedError,
 * ReferenceUsedError, TooManyDepositsError.
 */
export async function askDeposit(
  app: Pick<App, 'db' | 'clock' | 'settings'>,
  editor: Editor,
  { user_id, amount, method, reference, note }: AskDeposit,
): Promise<Deposit> {
  const { settings, clock } = app
  const [min, max] = [settings.read(depositMin), settings.read(depositMax)]
  if (amount === undefined || amount <= 0n || amount < min || amount > max)
    throw new DepositAmountRefusedError(min, max)
  const codes = settings.read(depositMethods).map(({ code }) => code)
  if (!codes.includes(method)) throw new MethodNotOfferedError(codes)
  const key = referenceKey(reference)
  // Compatibility forms can be longer than what was typed.
  if (key === '' || key.length > REFERENCE_MAX) throw new ReferenceRefusedError()
  return app.db.transaction(async (tx) => {
    // The customer's row is locked: of two at once the second sees what the first has asked for.
    await lockEditor(tx, editor)
    await refuseTooMany(tx, { user_id, key, pending_max: settings.read(depositsPendingMax) })
    const now = clock.now()
    const expires_at = new Date(now.getTime() + settings.read(depositAnswerDays) * DAY_MS)
    const values = [user_id, WALLET_ASSET, amount, method, reference, key, note ?? null, now, expires_at]
    const deposit = present((await tx.query<Deposit>(INSERT, values))[0], 'insert answers its row')
    const after = { deposit_id: deposit.id, asset: WALLET_ASSET, amount, method, reference, state: 'pending' }
    const subject = { kind: 'user', id: user_id }
    recordActs(tx, [{ action: 'deposits.asked', actor: editor.actor, subject, after }])
    tellDeposits(tx, [deposit])
    return deposit
  })
}

async function refuseTooMany(
  tx: Tx,
  { user_id, key, pending_max }: { user_id: bigint; key: string; pending_max: number },
): Promise<void> {
  const known = await tx.query<{ id: bigint; open: boolean; same: boolean }>(KNOWN, [user_id, key])
  const same = known.find((each) => each.same)
  if (same) throw new ReferenceUsedError(same.id)
  if (known.filter(({ open }) => open).length >= pending_max) throw new TooManyDepositsError(pending_max)
}
