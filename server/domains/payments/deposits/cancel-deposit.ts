import { recordActs } from '#server/domains/audit/record-acts.ts'
import type { Editor } from '#server/domains/identity/rights/editor.ts'
import { present } from '#server/kit/invariant.ts'
import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'
import { DEPOSIT_COLUMNS, type Deposit, isOpen, shownState } from './deposit.ts'
import { DepositNotFoundError, DepositSettledError } from './errors.ts'
import { tellDeposits } from './tell-deposit.ts'

// Who decides at the same moment takes turns with the customer here.
const LOCK = statement(
  `select ${DEPOSIT_COLUMNS} from payments.deposit where id = $1 and user_id = $2 for no key update`,
)

const CANCEL = statement(`
  update payments.deposit set state = 'cancelled', settled_at = $2 where id = $1 returning ${DEPOSIT_COLUMNS}`)

/** Takes back what the customer has asked for and nobody has answered; once cancelled it answers the same again. Throws DepositNotFoundError, DepositSettledError. */
export async function cancelDeposit(
  app: Pick<App, 'db' | 'clock'>,
  editor: Editor,
  { id, user_id }: { id: bigint; user_id: bigint },
): Promise<Deposit> {
  return app.db.transaction(async (tx) => {
    const [found] = await tx.query<Deposit>(LOCK, [id, user_id])
    if (!found) throw new DepositNotFoundError()
    if (found.state === 'cancelled') return found
    if (!isOpen(found.state)) throw new DepositSettledError(shownState(found.state))
    const deposit = present((await tx.query<Deposit>(CANCEL, [id, app.clock.now()]))[0], 'update answers its row')
    recordActs(tx, [
      {
        action: 'deposits.cancelled',
        actor: editor.actor,
        subject: { kind: 'user', id: user_id },
        before: { deposit_id: id, state: found.state },
        after: { deposit_id: id, state: deposit.state },
      },
    ])
    tellDeposits(tx, [deposit])
    return deposit
  })
}
