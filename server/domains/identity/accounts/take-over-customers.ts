import type { Actor } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import { dateArray, textArray } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'

/** A customer of another system. */
export interface TakenCustomer {
  /** In its normal form. */
  email: string
  name: string
  created_at: Date | undefined
}

/** `was_there`: there was a customer of that address, who stays as they were. */
export type TakenCustomerOutcome = { ok: true; id: bigint; was_there: boolean } | { ok: false; refusal: 'is_staff' }

const INSERT = statement(`
  insert into identity.user (email, name, password_hash, role, created_at)
  select email, name, $4, 'customer', coalesce(created_at, now())
  from unnest($1::text[], $2::text[], $3::timestamptz[]) as new (email, name, created_at)
  order by email
  on conflict (email) do nothing
  returning id, email`)

const FIND = statement('select id, email, role from identity.user where email = any($1::text[])')

/**
 * Makes accounts for customers of another system, one outcome each; may run again. Nobody knows a password of theirs: `password_hash` is of one that was thrown
 * away, and they set a new one by the link of "forgotten password". No address may come twice.
 */
export async function takeOverCustomers(
  tx: Tx,
  customers: readonly TakenCustomer[],
  { password_hash, by }: { password_hash: string; by: Actor },
): Promise<TakenCustomerOutcome[]> {
  const emails = textArray(customers.map((each) => each.email))
  const created = await tx.query<{ id: bigint; email: string }>(INSERT, [
    emails,
    textArray(customers.map((each) => each.name)),
    dateArray(customers.map((each) => each.created_at)),
    password_hash,
  ])
  const fresh = new Set(created.map((row) => row.id))
  const found = await tx.query<{ id: bigint; email: string; role: string }>(FIND, [emails])
  const byEmail = new Map(found.map((row) => [row.email, row]))
  const acts = created.map(({ id, email }) => ({
    action: 'users.created',
    actor: by,
    subject: { kind: 'user', id },
    after: { email, role: 'customer' },
  }))
  if (acts.length > 0) recordActs(tx, acts)
  return customers.map(({ email }) => {
    const row = byEmail.get(email)
    if (row?.role !== 'customer') return { ok: false, refusal: 'is_staff' }
    return { ok: true, id: row.id, was_there: !fresh.has(row.id) }
  })
}
