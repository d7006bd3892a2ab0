import { recordActs } from '#server/domains/audit/record-acts.ts'
import { ForbiddenError } from '#server/domains/identity/errors.ts'
import { type Editor, lockEditor } from '#server/domains/identity/rights/editor.ts'
import { OwnAccountError } from '#server/domains/identity/rights/errors.ts'
import { present } from '#server/kit/invariant.ts'
import { AMOUNT_MAX } from '#server/kit/money.ts'
import type { App } from '#server/platform/app.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { creditDeposit } from './credit-deposit.ts'
import { DEPOSIT_COLUMNS, type Deposit, isOpen } from './deposit.ts'
import {
  ApprovedAmountDiffersError,
  CorrectionReasonError,
  CreditTooLargeError,
  DepositNotFoundError,
  DepositSettledError,
  ReferenceCreditedError,
} from './errors.ts'
import { depositAnswerDays, depositSecondPersonAbove } from './settings.ts'
import { tellDeposits } from './tell-deposit.ts'

export type DecideDeposit =
  /** `amount`, in minor units, where another came in than was asked for. */
  | { id: bigint; verdict: 'approve'; amount?: bigint | undefined; reason?: string | undefined }
  | { id: bigint; verdict: 'refuse'; reason: string }

const DAY_MS = 24 * 60 * 60_000

// All that live and name the same payment are locked with it: of two customers' only one is credited before the other is looked at.
const LOCK = statement(`
  select ${DEPOSIT_COLUMNS} from payments.deposit
  where id = $1 or (reference_key = (select reference_key from payments.deposit where id = $1)
    and state in ('pending', 'approved_once', 'approved'))
  order by id for no key update`)

// Within a day what one person approves alone is added up: otherwise many small ones would be a large one.
const ALONE = statement(`
  select coalesce(sum(approved_amount), 0)::bigint as amount from payments.deposit
  where decided_by = $1 and settled_at > $2 and state = 'approved' and first_approved_by is null`)

const APPROVE_ONCE = statement(`
  update payments.deposit set state = 'approved_once', approved_amount = $2, first_approved_by = $3, first_approved_at = $4, decision_reason = $5,
    expires_at = greatest(expires_at, $6)
  where id = $1 returning ${DEPOSIT_COLUMNS}`)

const SETTLE = statement(`
  update payments.deposit set state = $2, approved_amount = $3, decided_by = $4, settled_at = $5, decision_reason = $6, movement = $7
  where id = $1 returning ${DEPOSIT_COLUMNS}`)

/**
 * Approves a deposit, which moves the money in the same transaction, or leaves it for a second person where `editor` may not do it alone; or refuses it. The same verdict by the same person
 * again answers as before. Throws DepositNotFoundError, DepositSettledError, ForbiddenError, OwnAccountError for one's own, CreditTooLargeError, CorrectionReasonError,
 * ApprovedAmountDiffersError, ReferenceCreditedError.
 */
export async function decideDeposit(
  app: Pick<App, 'db' | 'clock' | 'settings'>,
  editor: Editor,
  decision: DecideDeposit,
): Promise<Deposit> {
  return app.db.transaction(async (tx) => {
    const rights = await lockEditor(tx, editor)
    if (rights && !rights.may('deposits:decide')) throw new ForbiddenError('deposits:decide')
    const locked = await tx.query<Deposit>(LOCK, [decision.id])
    const found = locked.find(({ id }) => id === decision.id)
    if (!found) throw new DepositNotFoundError()
    const by = editor.principal?.user_id ?? null
    if (by === found.user_id) throw new OwnAccountError()
    if (isRepeated(found, decision, by)) return found
    if (!isOpen(found.state)) throw new DepositSettledError(found.state)
    const now = app.clock.now()
    // The chore that calls it expired may be late.
    if (found.expires_at <= now) throw new DepositSettledError('expired')
    const deposit =
      decision.verdict === 'refuse'
        ? await settle(tx, found, { by, now, state: 'refused', reason: decision.reason, amount: found.approved_amount })
        : await approve(tx, app, found, { decision, by, now, others: locked })
    recordDecision(tx, editor, found, deposit)
    return deposit
  })
}

/** Whether this person has decided just so before. */
function isRepeated(found: Deposit, decision: DecideDeposit, by: bigint | null): boolean {
  if (decision.verdict === 'refuse') return found.state === 'refused' && found.decided_by === by
  if (found.state !== 'approved' && found.state !== 'approved_once') return false
  const first = by !== null && found.first_approved_by === by
  if (!first && (found.state !== 'approved' || found.decided_by !== by)) return false
  return decision.amount === undefined || decision.amount === found.approved_amount
}

interface Approval {
  decision: DecideDeposit & { verdict: 'approve' }
  by: bigint | null
  now: Date
  others: readonly Deposit[]
}

async function approve(
  tx: Tx,
  app: Pick<App, 'settings'>,
  found: Deposit,
  { decision, by, now, others }: Approval,
): Promise<Deposit> {
  const amount = decision.amount ?? found.approved_amount ?? found.amount
  const reason = decision.reason ?? found.decision_reason ?? undefined
  if (amount <= 0n || amount > AMOUNT_MAX) throw new CreditTooLargeError()
  if (found.approved_amount !== null && amount !== found.approved_amount) {
    throw new ApprovedAmountDiffersError(found.approved_amount)
  }
  if (amount !== found.amount && reason === undefined) throw new CorrectionReasonError(found.amount)
  const credited = others.find((other) => other.id !== found.id && other.state === 'approved')
  if (credited && reason === undefined) throw new ReferenceCreditedError(credited)
  const second = found.state === 'approved_once'
  if (!second && by !== null && !(await mayAlone(tx, app, by, amount, now))) {
    const expires_at = new Date(now.getTime() + app.settings.read(depositAnswerDays) * DAY_MS)
    const values = [found.id, amount, by, now, reason ?? null, expires_at]
    return present((await tx.query<Deposit>(APPROVE_ONCE, values))[0], 'update answers its row')
  }
  return settle(tx, found, { by, now, state: 'approved', reason, amount })
}

async function mayAlone(tx: Tx, app: Pick<App, 'settings'>, by: bigint, amount: bigint, now: Date): Promise<boolean> {
  // The person's row is locked: of two at once the second sees what the first has added to the sum.
  const [sum] = await tx.query<{ amount: bigint }>(ALONE, [by, new Date(now.getTime() - DAY_MS)])
  return (sum?.amount ?? 0n) + amount <= app.settings.read(depositSecondPersonAbove)
}

interface Settlement {
  by: bigint | null
  now: Date
  state: 'approved' | 'refused'
  reason: string | undefined
  amount: bigint | null
}

async function settle(tx: Tx, found: Deposit, { by, now, state, reason, amount }: Settlement): Promise<Deposit> {
  const credit =
    state === 'approved' ? await creditDeposit(tx, found, present(amount, 'an approval has an amount')) : undefined
  const values = [found.id, state, amount, by, now, reason ?? null, credit?.movement ?? null]
  const deposit = present((await tx.query<Deposit>(SETTLE, values))[0], 'update answers its row')
  tellDeposits(tx, [deposit], credit?.wallet)
  return deposit
}

function recordDecision(tx: Tx, { actor }: Editor, before: Deposit, after: Deposit): void {
  const { id, user_id, state, asset, approved_amount, decision_reason } = after
  recordActs(tx, [
    {
      action: `deposits.${state}`,
      actor,
      subject: { kind: 'user', id: user_id },
      before: { deposit_id: id, state: before.state, amount: before.amount },
      after: { deposit_id: id, state, asset, amount: approved_amount },
      ...(decision_reason !== null && { reason: decision_reason }),
    },
  ])
}
