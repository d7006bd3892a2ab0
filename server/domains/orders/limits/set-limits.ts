import type { Actor, Json } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import { saleAmount } from '#server/domains/catalog/sale-amount.ts'
import { UserNotFoundError } from '#server/domains/identity/errors.ts'
import { userById } from '#server/domains/identity/queries.ts'
import { present } from '#server/kit/invariant.ts'
import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'
import type { OwnLimits } from './customer-limit.ts'

/** What staff set of a customer's limits. A field left out stays; null goes back to the house's. */
export interface SetLimits {
  customer_id: bigint
  /** Minor units of SALE_ASSET. */
  daily_spend_max?: bigint | null
  in_flight_max?: number | null
  by: Actor
  /** Why, for the audit. */
  reason: string
}

const INSERT = statement(
  'insert into orders.customer_limit (customer_id) values ($1) on conflict (customer_id) do nothing',
)

const LOCK = statement(
  'select daily_spend_max, in_flight_max from orders.customer_limit where customer_id = $1 for no key update',
)

const SET = statement(
  'update orders.customer_limit set daily_spend_max = $2, in_flight_max = $3 where customer_id = $1',
)

/**
 * Sets a customer's limits, with the act in the audit. They hold for every order from the commit on; what the customer has under way and has spent today counts
 * as well. Setting what stands already writes nothing. Throws UserNotFoundError.
 */
export async function setLimits(app: Pick<App, 'db'>, input: SetLimits): Promise<void> {
  const { customer_id, by, reason } = input
  if (!(await userById(app, customer_id))) throw new UserNotFoundError()
  await app.db.transaction(async (tx) => {
    tx.send(INSERT, [customer_id])
    const [row] = await tx.query<OwnLimits>(LOCK, [customer_id])
    const before = present(row, 'the row was made')
    const after = {
      daily_spend_max: input.daily_spend_max === undefined ? before.daily_spend_max : input.daily_spend_max,
      in_flight_max: input.in_flight_max === undefined ? before.in_flight_max : input.in_flight_max,
    }
    if (after.daily_spend_max === before.daily_spend_max && after.in_flight_max === before.in_flight_max) return
    tx.send(SET, [customer_id, after.daily_spend_max, after.in_flight_max])
    recordActs(tx, [
      {
        action: 'limits.changed',
        actor: by,
        subject: { kind: 'user', id: customer_id },
        before: told(before),
        after: told(after),
        reason,
      },
    ])
  })
}

function told({ daily_spend_max, in_flight_max }: OwnLimits): Json {
  return { daily_spend_max: daily_spend_max === null ? null : saleAmount(daily_spend_max), in_flight_max }
}
