import { SYSTEM } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'

/** As many as one act of the audit takes; the rest comes with the next run. */
const AT_ONCE_MAX = 1_000

// Who decides at this moment has the row: it is left to the next run.
const EXPIRE = statement(`
  with late as (
    select id from orders.refund where state = 'asked' and expires_at <= $1
    order by id limit ${AT_ONCE_MAX} for no key update skip locked
  )
  update orders.refund set state = 'expired' from late where refund.id = late.id
  returning refund.id, refund.order_id`)

/** Calls expired what nobody has decided on in time. Answers how many. */
export async function expireRefunds(app: Pick<App, 'db' | 'clock'>): Promise<number> {
  return app.db.transaction(async (tx) => {
    const late = await tx.query<{ id: bigint; order_id: bigint }>(EXPIRE, [app.clock.now()])
    recordActs(
      tx,
      late.map(({ id, order_id }) => ({
        action: 'orders.refund_expired',
        actor: SYSTEM,
        subject: { kind: 'order', id: order_id },
        before: { refund_id: id, state: 'asked' },
        after: { refund_id: id, state: 'expired' },
      })),
    )
    return late.length
  })
}
