import type { Actor, Json } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import { saleAmount } from '#server/domains/catalog/sale-amount.ts'
import { ApiKeyNotFoundError } from '#server/domains/identity/errors.ts'
import { firstOfLine } from '#server/domains/identity/keys/key-line.ts'
import type { App } from '#server/platform/app.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import type { QuotaMaxima } from './key-quota.ts'

/** What is set of a key's quota, by its owner or by staff. A field left out stays; null takes it away. */
export interface SetQuota {
  /** Whose key it is. */
  user_id: bigint
  key_id: bigint
  of: 'own' | 'staff'
  orders_max?: number | null
  /** Minor units of SALE_ASSET. */
  spend_max?: bigint | null
  by: Actor
  /** Why, for the audit. */
  reason?: string
}

// Of two who set the quota of a key the second waits here.
const LOCK_KEY = statement(`
  select ${firstOfLine('k.id')} as first_id from identity.api_key k
  where k.id = $1 and k.user_id = $2 and k.revoked_at is null and (k.expires_at is null or k.expires_at > $3) for no key update of k`)

const LOCK_LINE = statement('select 1 as one from identity.api_key where id = $1 for no key update')

const READ = statement(`
  select own_orders_max, own_spend_max, staff_orders_max, staff_spend_max from orders.key_quota where key_id = $1 for no key update`)

const PUT = statement(`
  insert into orders.key_quota as q (key_id, customer_id, own_orders_max, own_spend_max, staff_orders_max, staff_spend_max)
  values ($1, $2, $3, $4, $5, $6)
  on conflict (key_id) do update set own_orders_max = excluded.own_orders_max, own_spend_max = excluded.own_spend_max,
    staff_orders_max = excluded.staff_orders_max, staff_spend_max = excluded.staff_spend_max`)

const DROP = statement('delete from orders.key_quota where key_id = $1')

const NONE: QuotaMaxima = { own_orders_max: null, own_spend_max: null, staff_orders_max: null, staff_spend_max: null }

/**
 * Sets what a key may place and spend in a day, with the act in the audit. It holds for every order from the commit on, what was ordered with it today counts as well, and so it goes
 * on for the keys that take its place. Setting what stands already writes nothing. Throws ApiKeyNotFoundError, for another owner's, a revoked and an expired key too.
 */
export async function setQuota(app: Pick<App, 'db' | 'clock'>, input: SetQuota): Promise<void> {
  const { user_id, key_id, of, by, reason } = input
  await app.db.transaction(async (tx) => {
    const first_id = await lockLine(tx, user_id, key_id, app.clock.now())
    const [row] = await tx.query<QuotaMaxima>(READ, [first_id])
    const before = row ?? NONE
    const after = {
      ...before,
      ...(input.orders_max !== undefined && { [`${of}_orders_max`]: input.orders_max }),
      ...(input.spend_max !== undefined && { [`${of}_spend_max`]: input.spend_max }),
    }
    if (valuesOf(after).every((value, i) => value === valuesOf(before)[i])) return
    // Without a row a key pays nothing; when it gets one again, what was ordered with it is counted anew.
    if (valuesOf(after).every((value) => value === null)) tx.send(DROP, [first_id])
    else tx.send(PUT, [first_id, user_id, ...valuesOf(after)])
    const subject = { kind: 'api_key', id: key_id }
    const act = { action: 'api-keys.quota-changed', actor: by, subject, before: told(before), after: told(after) }
    recordActs(tx, [{ ...act, ...(reason !== undefined && { reason }) }])
  })
}

/** The first key of the line, locked: so that two who set the quota by different keys of it take turns too. */
async function lockLine(tx: Tx, user_id: bigint, key_id: bigint, now: Date): Promise<bigint> {
  const [key] = await tx.query<{ first_id: bigint }>(LOCK_KEY, [key_id, user_id, now])
  if (!key) throw new ApiKeyNotFoundError()
  if (key.first_id !== key_id) await tx.query(LOCK_LINE, [key.first_id])
  return key.first_id
}

function valuesOf({ own_orders_max, own_spend_max, staff_orders_max, staff_spend_max }: QuotaMaxima) {
  return [own_orders_max, own_spend_max, staff_orders_max, staff_spend_max]
}

function told({ own_orders_max, own_spend_max, staff_orders_max, staff_spend_max }: QuotaMaxima): Json {
  const amount = (minor: bigint | null) => (minor === null ? null : saleAmount(minor))
  return {
    own_orders_max,
    own_spend_max: amount(own_spend_max),
    staff_orders_max,
    staff_spend_max: amount(staff_spend_max),
  }
}
