import { SYSTEM } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'
import { DEPOSIT_COLUMNS, type Deposit } from './deposit.ts'
import { tellDeposits } from './tell-deposit.ts'

/** As many as one act of the audit takes; the rest comes with the next run. */
const AT_ONCE_MAX = 1_000

// Who decides at this moment has the row: it is left to the next run.
const EXPIRE = statement(`
  with late as (
    select id as late_id from payments.deposit where state in ('pending', 'approved_once') and expires_at <= $1
    order by id limit ${AT_ONCE_MAX} for no key update skip locked
  )
  update payments.deposit set state = 'expired', settled_at = $1 from late where id = late_id
  returning ${DEPOSIT_COLUMNS}`)

/** Calls expired what staff have not answered in time, and tells the customers. Answers how many. */
export async function expireDeposits(app: Pick<App, 'db' | 'clock'>): Promise<number> {
  return app.db.transaction(async (tx) => {
    const late = await tx.query<Deposit>(EXPIRE, [app.clock.now()])
    recordActs(
      tx,
      late.map(({ id, user_id }) => ({
        action: 'deposits.expired',
        actor: SYSTEM,
        subject: { kind: 'user', id: user_id },
        after: { deposit_id: id, state: 'expired' },
      })),
    )
    tellDeposits(tx, late)
    return late.length
  })
}
