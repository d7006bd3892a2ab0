import { SALE_ASSET } from '#server/domains/catalog/service.ts'
import { ApiKeyNotFoundError } from '#server/domains/identity/errors.ts'
import type { App } from '#server/platform/app.ts'
import { int8Array } from '#server/platform/db/arrays.ts'
import { statement } from '#server/platform/db/database.ts'
import { readProgress } from '../finance/follow-seals.ts'
import type { DayRange } from '../finance/queries.ts'
import { KEY_FIGURES } from './sum-keys.ts'

/** What requests are counted of by key and hour, in memory: see `KeyUse`. */
const COUNTS = ['rest_requests', 'panel_requests', 'foreign_requests', 'rate_limited', 'orders_refused'] as const

/** What a key was used for. Amounts in minor units of SALE_ASSET. */
export const USAGE_COLUMNS = [...KEY_FIGURES, ...COUNTS] as const
export type Usage = { [name in (typeof USAGE_COLUMNS)[number]]: bigint }

/** The use of one key on one day; key 0 stands for orders without a key. */
export interface UsageRow extends Usage {
  day: string
  key_id: bigint
}

/** A quarter of a year, which is what resellers settle by. */
export const USAGE_DAYS_MAX = 92

// Both sides walk along indexes that begin with the customer or with the key, so that it does not matter how many others there are.
const ROWS = statement(`
  with key as materialized (
    select id from identity.api_key where user_id = $1 and ($4::bigint is null or id = $4)
  ), money as (
    select key_id, day, ${KEY_FIGURES.join(', ')} from orders.key_day
    where customer_id = $1 and day between $2::date and $3::date and asset = $5 and ($4::bigint is null or key_id = $4)
  ), used as (
    select u.key_id, (u.hour at time zone 'UTC')::date as day, ${COUNTS.map((name) => `sum(u.${name})::bigint as ${name}`).join(', ')}
    from key join identity.key_hour u on u.key_id = key.id
    where u.hour >= $2::date::timestamp at time zone 'UTC' and u.hour < ($3::date + 1)::timestamp at time zone 'UTC'
    group by 1, 2
  )
  select day::text as day, key_id, ${USAGE_COLUMNS.map((name) => `coalesce(${name}, 0) as ${name}`).join(', ')}
  from money full join used using (key_id, day) order by 1, 2 limit $6`)

/** The days of a customer's keys, or of one of them, on which there was anything: earliest first, `limit` at the most. */
export function usageRows(
  app: Pick<App, 'db'>,
  { customer_id, key_id }: { customer_id: bigint; key_id: bigint | undefined },
  { from, to }: DayRange,
  limit: number,
): Promise<UsageRow[]> {
  return app.db.query(ROWS, [customer_id, from, to, key_id ?? null, SALE_ASSET, limit])
}

/** A key, to be recognised in a report. */
export interface KeyNamed {
  id: bigint
  name: string
  prefix: string
  last_used_at: Date | null
  revoked_at: Date | null
}

const KEYS = statement(`
  select id, name, prefix, last_used_at, revoked_at from identity.api_key
  where user_id = $1 and (id = any($2::bigint[]) or ($3 and revoked_at is null)) order by id`)

/** Those of a user's keys that have these ids; with `and_open` all that are not revoked too. */
export function keysNamed(
  app: Pick<App, 'db'>,
  user_id: bigint,
  ids: readonly bigint[],
  and_open: boolean,
): Promise<KeyNamed[]> {
  return app.db.query(KEYS, [user_id, int8Array(ids), and_open])
}

const OWNED = statement('select 1 as one from identity.api_key where id = $1 and user_id = $2')

/** Throws ApiKeyNotFoundError unless the key is the user's, revoked or not. */
export async function assertOwned(app: Pick<App, 'db'>, user_id: bigint, key_id: bigint): Promise<void> {
  if ((await app.db.query(OWNED, [key_id, user_id])).length === 0) throw new ApiKeyNotFoundError()
}

/** Up to when the sums by key go. */
export const keyDaysProgress = readProgress('orders.key_day_progress')
