import { recordActs } from '#server/domains/audit/record-acts.ts'
import { ForbiddenError, UserNotFoundError } from '#server/domains/identity/errors.ts'
import { userById } from '#server/domains/identity/queries.ts'
import { type Editor, lockEditor } from '#server/domains/identity/rights/editor.ts'
import { OwnAccountError } from '#server/domains/identity/rights/errors.ts'
import { present } from '#server/kit/invariant.ts'
import { AMOUNT_MAX } from '#server/kit/money.ts'
import type { App } from '#server/platform/app.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { emit } from '#server/platform/outbox/emit.ts'
import { WALLET_ASSET } from '../accounts.ts'
import { adjustmentAsked } from '../events.ts'
import { ADJUSTMENT_COLUMNS, type Adjustment } from './adjustment.ts'
import { AmountRefusedError } from './errors.ts'
import { postAdjustment } from './post-adjustment.ts'
import { decideWithinHours, secondPersonAbove } from './settings.ts'

export interface AskAdjustment {
  user_id: bigint
  /** Micro-USD; below zero takes away. */
  amount: bigint
  reason: string
}

const HOUR_MS = 60 * 60_000
/** Within which what one person does alone is added up: otherwise many small ones would be a large one. */
const ALONE_MS = 24 * HOUR_MS

const ALONE = statement(`
  select coalesce(sum(abs(amount)), 0)::bigint as amount from payments.adjustment
  where asked_by = $1 and asked_at > $2 and state = 'posted' and decided_by is null`)

const DRAW = statement(`select nextval(pg_get_serial_sequence('payments.adjustment', 'id')) as id`)

const INSERT = statement(`
  insert into payments.adjustment (id, user_id, asset, amount, reason, state, asked_by, asked_at, expires_at, movement)
  overriding system value values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
  returning ${ADJUSTMENT_COLUMNS}`)

/**
 * Puts a customer's balance right: at once where `editor` may do it alone, else it is asked for and waits for a second person. Throws UserNotFoundError, also for whom the editor may not see;
 * ForbiddenError, OwnAccountError, AmountRefusedError, NotEnoughFundsError.
 */
export async function askAdjustment(
  app: Pick<App, 'db' | 'clock' | 'settings'>,
  editor: Editor,
  input: AskAdjustment,
): Promise<Adjustment> {
  const { user_id, amount, reason } = input
  if (amount === 0n || amount > AMOUNT_MAX || amount < -AMOUNT_MAX) throw new AmountRefusedError()
  const asked_by = editor.principal?.user_id ?? null
  return app.db.transaction(async (tx) => {
    // The editor's row is locked: of two at once the second sees what the first has added to the sum.
    const rights = await lockEditor(tx, editor)
    const user = await userById({ db: tx }, user_id)
    if (!user || (rights && !rights.may(`users:read:${user.role}:${user.id}`))) throw new UserNotFoundError()
    if (rights && !rights.may('balances:adjust')) throw new ForbiddenError('balances:adjust')
    if (asked_by === user_id) throw new OwnAccountError()
    const now = app.clock.now()
    const alone = asked_by === null || (await mayAlone(tx, app, asked_by, amount, now))
    const id = present((await tx.query<{ id: bigint }>(DRAW))[0], 'a sequence answers').id
    const movement = alone ? await postAdjustment(tx, { id, user_id, asset: WALLET_ASSET, amount, reason }) : null
    const expires_at = alone ? null : new Date(now.getTime() + app.settings.read(decideWithinHours) * HOUR_MS)
    const state = alone ? 'posted' : 'asked'
    const values = [id, user_id, WALLET_ASSET, amount, reason, state, asked_by, now, expires_at, movement]
    const [row] = await tx.query<Adjustment>(INSERT, values)
    if (!alone) emit(tx, adjustmentAsked, [{ adjustment_id: id, user_id, asked_by }])
    const action = alone ? 'balances.adjusted' : 'balances.adjustment_asked'
    const after = { adjustment_id: id, asset: WALLET_ASSET, amount, state }
    recordActs(tx, [{ action, actor: editor.actor, subject: { kind: 'user', id: user_id }, after, reason }])
    return present(row, 'insert answers its row')
  })
}

async function mayAlone(
  tx: Tx,
  app: Pick<App, 'settings'>,
  asked_by: bigint,
  amount: bigint,
  now: Date,
): Promise<boolean> {
  const since = new Date(now.getTime() - ALONE_MS)
  const [sum] = await tx.query<{ amount: bigint }>(ALONE, [asked_by, since])
  const all = (sum?.amount ?? 0n) + (amount > 0n ? amount : -amount)
  return all <= app.settings.read(secondPersonAbove)
}
